/*
 * init_config: the configuration of aclInit.
 */
#ifndef FAKE_INIT_CONFIG_H
#define FAKE_INIT_CONFIG_H

/*
 * The content of a configuration, up to its first NUL, "" for no path; the
 * caller frees it. 0, 100003 for what is no file of at most 10 MiB, or 100006
 * for more than 10 braces or brackets inside one another.
 */
int config_read(const char *path, char **content);

/* Checks what it says and does it, in ACL's order: 0, or ACL's status. */
int config_apply(const char *content);

#endif
