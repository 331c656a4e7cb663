"""Pictures as inline SVG: pure functions from values to `Markup`, one file per picture.

Every picture is one element with a title and a description for those who do not see it, made of presentation
attributes and classes (the policy of the pages forbids inline style). Its *name* makes its ids unique on the page.
"""
