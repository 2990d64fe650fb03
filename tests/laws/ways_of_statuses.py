"""The way out of each status that the fake or the package raises: docs/errors.md is made of it."""

WAYS = {
    100000: "the message names the argument and its value; give what it says would be right",
    100001: "call `aclInit` first; `Bundle.load` does it by itself",
    100002: (
        "ignore it after `aclInit`: calls are counted, and `aclFinalize` ends the last. The "
        "profiler and dumps need their own end first"
    ),
    100003: "give a folder that exists and can be written, or a file that can be read",
    100006: "mend the JSON of the file that `aclInit` was given; the message has the place",
    100009: "mend the field of the section `dump` that the message names",
    100010: (
        "subscribe to all models of a device with the same `timeInfoSwitch` and `aicoreMetrics`"
    ),
    100011: "subscribe to a model that is loaded, and end only what was subscribed to",
    100027: "ask for a format that the unit reads or writes; the message names the one it got",
    100037: "call `aclFinalize` once for each `aclInit`; the first that is too many did no harm",
    100039: (
        "put the folder of the real library before `lib64/stub` on `LD_LIBRARY_PATH`; the stub is "
        "for linking alone"
    ),
    100042: (
        "end the session that runs (`aclprofStop`, `aclprofFinalize`) before the next; one that "
        "`aclInit`'s file turned on ends with `aclFinalize`"
    ),
    100043: "call `aclprofInit`, and `aclprofStart` before `aclprofStop`",
    100045: "call `aclmdlInitDump` before the dump's other functions",
    107000: (
        "the message names the argument; where it is a violation, the object was ended or is of "
        "another kind: look at who made and ended it"
    ),
    107001: "give a device below the number of devices that `ASCEND_RT_VISIBLE_DEVICES` leaves",
    107002: "call `aclrtSetDevice` or `aclrtSetCurrentContext` on this thread: each needs its own",
    107003: "make the stream's context current, or make a stream in this context",
    107006: (
        "make the event with `ACL_EVENT_TIME_LINE`, record it, and synchronise before its time is "
        "asked for"
    ),
    107007: "give the earlier event as `startEvent`",
    107011: (
        "subscribe one thread to a stream once, and end the subscription before another thread "
        "takes it"
    ),
    107012: (
        "end a subscription with the thread that it was made with; process reports on that thread"
    ),
    107015: "call `aclrtSubscribeReport` for the stream before a callback is launched on it",
    107016: "give a kind of memory that ACL has; the message has the range",
    107017: "use a stream or event that is alive, in the process that made or opened it",
    107023: (
        "keep the stream, and the process it is of, until what was recorded there is done; record "
        "the event again"
    ),
    145000: "make the model file again, or copy it whole: the message says what does not fit in it",
    145001: "call `aclInit` before a model is loaded or asked about",
    145002: "mend the path: the file must exist, be a plain file, and be readable",
    145003: "use the id of a model that is loaded; it ends with its unload, or its bundle's",
    145006: "copy the file whole, or give as many bytes as the file has: what came is too short",
    145012: (
        "make the buffer as large as `aclmdlGetInputSizeByIndex` says, and give a value for each "
        "open dim"
    ),
    145013: (
        "take a gear that `aclmdlGetDynamicBatch`, `...HW` or `...GearCount` lists, or build the "
        "model with this one"
    ),
    145015: "ask for AIPP of an input that has it only; `acl-bundle inspect` shows which",
    145020: "convert between two formats that GE knows a rule for, as NCHW to NC1HWC0",
    145021: "give as many dims as the format has, each closed",
    145022: "give the description a data type whose elements have a size",
    148046: "unsubscribe from the model first: one subscription for each model",
    148047: "use one way of profiling at a time: end the session, or the subscriptions, first",
    148053: (
        "use the id that `aclmdlBundleLoadFromFile` or `aclmdlBundleInitFromFile` gave, and only "
        "until its unload"
    ),
    200000: "free memory of the host; if one call alone fails so, look for a size that is wrong",
    200001: (
        "do without this function, or run on CANN: it is declared, and not simulated; "
        "`aclmdlBundleLoadModel` gives ids of a bundle that was only initialised"
    ),
    200006: "take other options, or another chip (`ACL_FAKE_SOC`): this unit does not do that",
    200007: "set in `dataTypeConfig` only switches that ACL has",
    207000: "take a chip that does it, or an event without `ACL_EVENT_IPC`; the message says it",
    207001: (
        "close bundles and arrays, take a smaller batch, or another device; `fake.live()` lists "
        "what is alive on the fake"
    ),
    207004: "let `ASCEND_RT_VISIBLE_DEVICES` name at least one device that the machine has",
    207008: "destroy streams that are done; on the fake raise the limit of threads (`ulimit -u`)",
    245000: "free device memory, or use another device: the model or a variable does not fit",
    300000: (
        "the tensor has more dims, or the model more gears, than ACL's struct takes (128): build "
        "it with fewer"
    ),
    500000: "create a channel once for each description; ask for ranges where the tensor has them",
    500001: "give a whole, undamaged file or image: the message says where it breaks",
    500002: (
        "read the message: the file or the run does not fit the model, and GE has no public code "
        "for it. On a device look into `~/ascend/log` too"
    ),
    500005: "subscribe to a model of this process, and read the pipe while the model runs",
    507000: (
        "fork before the first call of ACL, or start a new process: a device is not inherited"
    ),
    507007: "reset a device as often as it was set, no more",
    507011: (
        "the model's own computation failed: the message says where. Run again with inputs that it "
        "takes"
    ),
    507012: "launch a callback first, or give `aclrtProcessReport` a longer timeout",
    507018: "give image data that decodes, and an output buffer as large as the message says",
    507046: (
        "give a longer timeout, and keep buffers until the stream is done: the run may still be "
        "under way"
    ),
    507047: "give a longer timeout, or record the event on a stream that goes on",
    507053: "look at the copies and fills of the stream: the device failed at one of them",
    507899: (
        "the message says what is gone: a key that was closed, a process that ended, a process "
        "that is not allowed. Export anew. `fake.fail` uses this code by default"
    ),
    507910: "unregister this host memory first, or use the registration that there is",
    507911: "give the start of what `aclrtHostRegister` was given, and only once",
    545004: "ask for the sizes of a file that was built for this device, or compile it for it",
}  # fmt: skip
"""Code -> what to do, for each status that `fakes/base/codes.h` or `acl_bundle.errors` names."""
