/*
 * cann_version: the release of CANN that the interface here is of, of which
 * all packages have the same, and AscendCL's own number.
 */
#include <string.h>

#include "base/acl.h"
#include "call/calls.h"
#include "call/message.h"
#include "memory/host_memory.h"

#define MAJOR "9"
#define MINOR "1"
#define RELEASE "0"
#define VERSION MAJOR "." MINOR "." RELEASE

aclError aclrtGetVersion(int32_t *majorVersion, int32_t *minorVersion, int32_t *patchVersion)
{
    ENTER(aclrtGetVersion, NO_ARGS);
    NOT_NULL(majorVersion);
    NOT_NULL(minorVersion);
    NOT_NULL(patchVersion);
    *majorVersion = 1;
    *minorVersion = 17;
    *patchVersion = 0;
    LEAVE(E_NONE);
}

aclError aclsysGetCANNVersion(aclCANNPackageName name, aclCANNPackageVersion *version)
{
    ENTER(aclsysGetCANNVersion, "name=%d, version=%p", (int)name, (void *)version);
    NOT_NULL(version);
    if ((int)name < 0 || name > ACL_PKG_NAME_DRIVER)
        LEAVE(refuse(E_PARAM, "name %d is not one of 0..7", (int)name));
    *version = (aclCANNPackageVersion){VERSION, MAJOR, MINOR, RELEASE, "", ""};
    LEAVE(E_NONE);
}

/* A name with - is the same with _. */
static bool is_same(const char *name, const char *given)
{
    for (; *name != '\0'; name++, given++)
        if (*given != *name && !(*name == '-' && *given == '_'))
            return false;
    return *given == '\0';
}

static bool is_package(const char *given)
{
    static const char *const names[] = {
        "cann",       "runtime", "compiler",    "hccl",        "toolkit", "opp",
        "opp-kernel", "driver",  "ge-executor", "ge-compiler", "metadef",
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (is_same(names[i], given))
            return true;
    return false;
}

aclError aclsysGetVersionStr(char *pkgName, char *versionStr)
{
    ENTER(aclsysGetVersionStr, "pkgName=%p, versionStr=%p", (void *)pkgName, (void *)versionStr);
    NOT_NULL(versionStr);
    NOT_NULL(pkgName);
    if (!is_package(pkgName))
        LEAVE(refuse(E_FILE, "there is no package \"%s\"", pkgName));
    memcpy(versionStr, VERSION, sizeof VERSION);
    LEAVE(E_NONE);
}
