/* What the libraries of the stand-in show: GE's own names, and what they share. */
#ifndef FAKE_GE_VISIBLE_H
#define FAKE_GE_VISIBLE_H

#define VISIBLE __attribute__((visibility("default")))

#endif
