/*
 * python: the work, done by this package's own Python in a child process.
 *
 * The variable ACL_BUNDLE_PYTHON names the interpreter, as `acl-bundle fake
 * env` exports it. It is given a request and leaves an answer, both fields in
 * files of a folder made for the one run.
 */
#ifndef FAKE_GE_PYTHON_H
#define FAKE_GE_PYTHON_H

#include "fields.h"
#include "visible.h"

namespace fake
{

/*
 * Runs `python -m acl_bundle.fake.compiler <verb>`, waits for it, and returns
 * its answer without the status. Throws a Refusal: of the status and text of
 * the answer, or FAILED where there is no answer.
 */
VISIBLE Fields python(const char *verb, const Fields &request);

}  // namespace fake

#endif
