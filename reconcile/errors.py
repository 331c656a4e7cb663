"""What can go wrong, and whom to blame.

::

    PlayledgerError
    ├── SettingRefused          the administrator asked for something impossible
    ├── SecretUnreadable        a stored key cannot be read with this data folder's key file
    ├── JellyfinError           a media server did not do its part
    │   ├── JellyfinUnreachable     it did not answer
    │   │   └── JellyfinSlow            it was given the question, and may still be at work on it
    │   ├── JellyfinRefused         it answered: no (a wrong key, a missing right)
    │   │   ├── SignInRefused           it does not know this name with this password, or this code has lapsed
    │   │   ├── SignInBarred            it knows the person, who may not sign in (disabled, not now, not from here)
    │   │   └── AdministratorNeeded     the person has signed in, and may not do that
    │   ├── JellyfinUnreadable      it answered something that cannot be read
    │   │   └── JellyfinMissing         it does not have what was asked for (404)
    │   ├── PluginUnready           the Webhook plugin is not there, or not active
    │   └── PluginOverwritten       somebody else writes the Webhook plugin's settings at the same time
    ├── SeerrError              the request manager did not do its part
    │   ├── SeerrUnreachable        it did not answer, or is not well
    │   ├── SeerrRefused            it answered: no (a wrong key, a user it does not know)
    │   │   ├── SeerrUnready            its own set-up is not finished
    │   │   └── SeerrReadOnly           its CSRF protection refuses whatever writes
    │   ├── SeerrMissing            it does not have what was asked for
    │   └── SeerrUnreadable         it answered something that cannot be read
    ├── TmdbError               The Movie Database did not do its part
    │   ├── TmdbUnreachable         it did not answer, or wants to be asked later
    │   ├── TmdbRefused             the key is wrong
    │   └── TmdbUnreadable          it answered something that cannot be read
    ├── StoreError
    │   ├── StoreAway               the database is locked, full, broken or gone: mended, it takes what waited
    │   ├── StoreRefused            the database is not one that this version can use
    │   ├── StoreBusy               another work must be done first
    │   └── FolderHeld              another process records into this data folder
    └── SpoolUnwritable         the spool cannot be written: the delivery is lost unless looks saw it

The message says what we were doing and what to do about it.
"""


class PlayledgerError(Exception):
    """Everything that this program raises on purpose."""


class SettingRefused(PlayledgerError):
    """A setting is misspelt, unreadable or out of its bounds; the message names both."""


class SecretUnreadable(PlayledgerError):
    """A stored key was encrypted with another key file."""


class JellyfinError(PlayledgerError):
    """A media server did not do its part."""


class JellyfinUnreachable(JellyfinError):
    """No answer: the address, the network, or the server is down."""


class JellyfinSlow(JellyfinUnreachable):
    """No answer in time from a server that has the question: to ask again at once would only make it slower."""


class JellyfinRefused(JellyfinError):
    """The server answered with an error status, such as 401 for a wrong key."""


class SignInRefused(JellyfinRefused):
    """The server does not know this name with this password, or the code of Quick Connect has lapsed."""


class SignInBarred(JellyfinRefused):
    """The server knows the person and does not let them in: disabled, not at this time, not from here."""


class AdministratorNeeded(JellyfinRefused):
    """The person has signed in, and is no administrator of the server."""


class JellyfinUnreadable(JellyfinError):
    """The server answered with something that is not what this program knows."""


class JellyfinMissing(JellyfinUnreadable):
    """The server does not have what was asked for, or is no Jellyfin."""


class PluginUnready(JellyfinError):
    """The Webhook plugin is not installed, or not active; the message says what to do."""


class PluginOverwritten(JellyfinError):
    """Somebody else writes the Webhook plugin's settings at the same time."""


class SeerrError(PlayledgerError):
    """The request manager did not do its part."""


class SeerrUnreachable(SeerrError):
    """No answer from the request manager."""


class SeerrRefused(SeerrError):
    """The request manager answered with an error status."""


class SeerrUnready(SeerrRefused):
    """The request manager's own set-up is not finished: until then it refuses every key."""


class SeerrReadOnly(SeerrRefused):
    """The request manager's CSRF protection is on: keys may read, and nothing else."""


class SeerrMissing(SeerrError):
    """The request manager does not have what was asked for."""


class SeerrUnreadable(SeerrError):
    """The request manager answered with something that is not what this program knows."""


class TmdbError(PlayledgerError):
    """The Movie Database did not do its part."""


class TmdbUnreachable(TmdbError):
    """No answer, or one that says: later."""


class TmdbRefused(TmdbError):
    """The key is wrong."""


class TmdbUnreadable(TmdbError):
    """The answer is not what this program knows."""


class StoreError(PlayledgerError):
    """The database, or the folder it lives in, cannot be used."""


class StoreAway(StoreError):
    """The database is locked, full, broken or gone; the same may work later, so nothing is lost by waiting."""


class StoreRefused(StoreError):
    """The database is not one that this version can use; waiting does not help."""


class StoreBusy(StoreError):
    """Another work on the history must be done first; the message says which."""


class FolderHeld(StoreError):
    """Another process records into this data folder; the message says which."""


class SpoolUnwritable(PlayledgerError):
    """The spool cannot be written; what it was to hold is not kept."""
