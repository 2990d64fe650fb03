/*
 * acl: AscendCL's surface and our own controls, as this library
 * exports them.
 *
 * The library is compiled with hidden visibility; what these two headers
 * declare, and nothing else, is let out. The compiler thereby also checks
 * every definition here against the declaration that clients are built with.
 */
#ifndef FAKE_ACL_H
#define FAKE_ACL_H

#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(default)
#include "acl/acl_types.h"
#include "acl/acl_api.h"
#include "acl/acl_dvpp_types.h"
#include "acl/acl_dvpp.h"
#include "aclfake.h"
#pragma GCC visibility pop

#endif
