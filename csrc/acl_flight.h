/*
 * One run of a lane.
 * Read by cffi and by the compiler; no preprocessor line.
 */

/* One run: what it is given, where its result goes, and where it is. */
typedef struct ab_flight {
    ab_lane *lane;
    const ab_gear *gear;
    const void *const *in;
    void *const *out;
    int waitMs;
    int last;
    size_t berth;
} ab_flight;

int64_t ab_flight_launch(ab_flight *flight);
int64_t ab_flight_land(ab_flight *flight);
int64_t ab_flight_run(ab_flight *flight);
void ab_flight_abandon(ab_flight *flight);
