"""`import acl` of programs that were started with this folder on PYTHONPATH.

`acl-bundle fake env --pyacl` puts it there. Where another `acl` is on the path, that one is it.
"""

from acl_bundle.pyacl.importing import stand_in

stand_in()
