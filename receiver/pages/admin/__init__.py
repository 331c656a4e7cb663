"""Administration: servers, people, what came in, what was made of it, and how the program is doing (DESIGN §17).

Administrators of one server see what is that server's; what concerns all of them is for owners.
"""
