/*
 * repeat: a synchronous run of a static model that is like its last one.
 *
 * Programs run a model on the same two datasets over and over. While nothing
 * changes that the checks before a run look at, they would find the same
 * again: so the claims, the tensors' addresses and the verdict of the last
 * run hold. What changes any of it ends all repeats at once; that costs the
 * next run of each model its checks, and is never wrong.
 */
#ifndef FAKE_REPEAT_H
#define FAKE_REPEAT_H

#include "run/execution.h"

/*
 * Is the run that a claimed model begins like its last one? If not, it is
 * the one that the next is compared with, once it is kept.
 */
bool repeat_begin(Model *model, const Wanted *wanted);

/* The checks of the run that was begun are done, and found nothing. */
void repeat_keep(Model *model);

#endif
