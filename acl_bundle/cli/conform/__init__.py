"""``acl-bundle conform``: whether a device does what this package stands on."""
