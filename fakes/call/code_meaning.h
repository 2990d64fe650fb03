/*
 * code_meaning: the codes of codes.h, for people.
 */
#ifndef FAKE_CODE_MEANING_H
#define FAKE_CODE_MEANING_H

/* What a code of codes.h means, in a few words; NULL for any other. */
const char *code_meaning(int code);

#endif
