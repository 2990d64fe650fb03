/*
 * colour: pixels of one model as pixels of the other (facts 11.9).
 */
#ifndef FAKE_COLOUR_H
#define FAKE_COLOUR_H

#include "image/view.h"

enum { MATRICES = 6 };          /* acldvppCscMatrix */

/*
 * Turns the pixels of a view in place, which has all components in full size,
 * into the other model.
 */
void colour_convert(View *view, unsigned matrix);

#endif
