"""attachments: files that stand behind what an organization says, made harmless before they are kept.

Owns: announced attachments and their files.
Promises: a picture is decoded and written anew, without what else was in its file; what can run is refused with what it
    looks like; the bytes that are kept never change, and their digest is what is signed; everything is handed over as a
    download, never shown in place (`edge/attachments.py`).
May call: organizations, kit.
Never: fetches anything; decides who else may see a file (endorsements say that theirs are public).
More files: `sniffing.py` and `rasters.py` judge bytes and write pictures anew (pure).
"""
