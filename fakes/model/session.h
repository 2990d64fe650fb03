/*
 * session: an ONNX Runtime session, and the values it takes.
 */
#ifndef FAKE_SESSION_H
#define FAKE_SESSION_H

#include "file/program.h"
#include "model/blob.h"
#include "model/ort.h"

/* A tensor of a program, at these bytes. */
Blob blob_of_tensor(const Tensor *tensor, unsigned char *bytes);

/* Makes a value of bytes that stay the caller's. */
OrtStatus *ort_value(const Ort *ort, const Blob *blob, OrtValue **value);

/*
 * Makes a session of a program's graph and its constants, which stay where
 * they are. Where times is not NULL, the session measures its runs, into a
 * file whose path begins so. 0, or the status of a load.
 */
int session_open(const Ort *ort, const Program *program, unsigned char *const *constants,
                 const char *times, OrtSession **session);

#endif
