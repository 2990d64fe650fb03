"""``python -m acl_bundle.cli`` is ``acl-bundle``."""

from acl_bundle.cli import main

if __name__ == "__main__":
    main()
