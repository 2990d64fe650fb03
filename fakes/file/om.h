/*
 * om: the containers of the graph engine, taken apart.
 *
 * A bundle is a header, a table, a number (the size of its variables) and
 * sub-models; a model is a header, a table and partitions. The fields that
 * ACL's loader reads are read, the fields that it ignores are ignored, and
 * nothing is read past the end. Everything found is borrowed from the bytes
 * that were given.
 */
#ifndef FAKE_OM_H
#define FAKE_OM_H

#include "base/reader.h"

enum {
    OM_HEADER = 256,
    PART_MODEL_DEF = 0,
    PART_WEIGHTS = 1,
    PART_TASK = 2,
    PART_INOUT = 8,
    PART_KINDS = 32
};

typedef struct Om {
    bool dynamic;
    bool has[PART_KINDS];
    Bytes part[PART_KINDS];
} Om;

typedef struct BundleFile {
    uint64_t variable_size;
    Bytes *model;               /* owned array, borrowed bytes */
    size_t count;
} BundleFile;

/* The shared parsing step of every bundle call: 0, or ACL's status. */
int bundle_file_parse(Bytes bytes, BundleFile *file);

/* Frees the array. */
void bundle_file_free(BundleFile *file);

/* Would ACL run this model on its executor for dynamic shapes? */
bool om_is_dynamic(Bytes model);

/*
 * Takes a model apart: 0, or a status of the graph engine. om_parse() is what
 * a load does, which wants a MODEL_DEF; om_open() asks for no partition.
 */
int om_parse(Bytes model, Om *om);
int om_open(Bytes model, Om *om);

/* What a query does: also the tables of a static model must fill it. */
int om_open_exactly(Bytes model, Om *om);

#endif
