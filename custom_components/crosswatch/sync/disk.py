"""What can be wrong with the disk or with a file of ours."""

from enum import StrEnum
import errno
import sqlite3


class DiskFault(StrEnum):
    """What a person can do something about; the last one: nobody can tell."""

    FULL = "full"
    READ_ONLY = "read_only"
    DAMAGED = "damaged"
    NEWER = "newer"  # written by a newer version
    ERROR = "error"


class DamagedFileError(sqlite3.DatabaseError):
    """It is no file of ours any more."""


class NewerFileError(sqlite3.DatabaseError):
    """A newer version has written it: guessing could lose what it says."""


OF_SYSTEM = {
    errno.ENOSPC: DiskFault.FULL,
    errno.EDQUOT: DiskFault.FULL,
    errno.EFBIG: DiskFault.FULL,
    errno.EROFS: DiskFault.READ_ONLY,
    errno.EACCES: DiskFault.READ_ONLY,
    errno.EPERM: DiskFault.READ_ONLY,
}
OF_SQLITE = {
    sqlite3.SQLITE_FULL: DiskFault.FULL,
    sqlite3.SQLITE_READONLY: DiskFault.READ_ONLY,
    sqlite3.SQLITE_CORRUPT: DiskFault.DAMAGED,
    sqlite3.SQLITE_NOTADB: DiskFault.DAMAGED,
}


def fault_of(error: OSError | sqlite3.Error) -> DiskFault:
    """Return what is wrong, from the error that a read or write has raised."""
    match error:
        case DamagedFileError():
            return DiskFault.DAMAGED
        case NewerFileError():
            return DiskFault.NEWER
        case OSError():
            return OF_SYSTEM.get(error.errno or 0, DiskFault.ERROR)
    # the lowest byte is the kind, the others tell more
    return OF_SQLITE.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, DiskFault.ERROR)
