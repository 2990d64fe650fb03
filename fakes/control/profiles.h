/*
 * profiles: a kind of device: its name, its memory, and how long calls take,
 * roughly.
 *
 * These are not device numbers but their shape: what of a call is fixed, what
 * grows with the bytes, and which is the larger. Fixed nanoseconds, then
 * nanoseconds per byte, then where that comes from. A model's own time comes
 * on top, as what the fake needs to compute it. No profile ("none") is as
 * fast as this machine.
 *
 * A machine is what the device calls itself, the bytes that it has, and where
 * that comes from.
 */
#ifndef FAKE_PROFILES_H
#define FAKE_PROFILES_H

#include "base/text.h"

#define MACHINE_NONE "the default: a 910B's"
#define MACHINE_300I \
    "published: npu-smi on an Atlas 300I Duo lists two 310P3, of 44280 and " \
    "43693 MB; the smaller (Syllo/nvtop issue 421)"
#define MACHINE_910B \
    "published: npu-smi on an Atlas 800T A2 lists 910B3 of 65536 MB " \
    "(InternLM/lmdeploy issue 2585)"

/* The profile, the name of the SoC, bytes of memory, and the source. */
#define MACHINES(ROW) \
    ROW("none", "Ascend910B3", 68719476736, MACHINE_NONE) \
    ROW("atlas-300i", "Ascend310P3", 45815431168, MACHINE_300I) \
    ROW("910b", "Ascend910B3", 68719476736, MACHINE_910B)

#define COPY_300I \
    "derived: 310P host-to-device times of ModelZoo's ais_infer reports are " \
    "linear in the bytes, about 0.09 ms + 4.3 GB/s, pageable memory; large " \
    "copies back were slower, about 1.6 GB/s"
#define LAUNCH_300I \
    "published: kernel launch and synchronize on 310P, tiny kernels, 75 us " \
    "(ascend-rs.org, appendix F)"
#define COPY_910B \
    "assumed, as none was published: 80 % of PCIe 4.0 x16 (31.5 GB/s), the " \
    "share that Huawei gives as the most, after one launch"
#define LAUNCH_910B \
    "published: kernel launch and synchronize on 910B3, tiny kernels, 22 to " \
    "30 us (ascend-rs.org, appendix F)"

#define PROFILES(ROW) \
    ROW("atlas-300i", aclrtMemcpy, 90000, 0.2326, COPY_300I) \
    ROW("atlas-300i", aclrtMemcpyAsync, 90000, 0.2326, COPY_300I) \
    ROW("atlas-300i", aclrtMemcpy2d, 90000, 0.2326, COPY_300I) \
    ROW("atlas-300i", aclrtMemcpy2dAsync, 90000, 0.2326, COPY_300I) \
    ROW("atlas-300i", aclmdlExecute, 75000, 0, LAUNCH_300I) \
    ROW("atlas-300i", aclmdlExecuteV2, 75000, 0, LAUNCH_300I) \
    ROW("atlas-300i", aclmdlExecuteAsync, 75000, 0, LAUNCH_300I) \
    ROW("atlas-300i", aclmdlExecuteAsyncV2, 75000, 0, LAUNCH_300I) \
    ROW("910b", aclrtMemcpy, 26000, 0.0397, COPY_910B) \
    ROW("910b", aclrtMemcpyAsync, 26000, 0.0397, COPY_910B) \
    ROW("910b", aclrtMemcpy2d, 26000, 0.0397, COPY_910B) \
    ROW("910b", aclrtMemcpy2dAsync, 26000, 0.0397, COPY_910B) \
    ROW("910b", aclmdlExecute, 26000, 0, LAUNCH_910B) \
    ROW("910b", aclmdlExecuteV2, 26000, 0, LAUNCH_910B) \
    ROW("910b", aclmdlExecuteAsync, 26000, 0, LAUNCH_910B) \
    ROW("910b", aclmdlExecuteAsyncV2, 26000, 0, LAUNCH_910B)

/* All times, and all machines, as JSON lines. */
void profiles_read(Text *text);
void machines_read(Text *text);

#endif
