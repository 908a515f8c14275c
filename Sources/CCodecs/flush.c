#ifdef __linux__
#define _GNU_SOURCE
#endif
#include "include/ccodecs_flush.h"

#include <fcntl.h>

void ccodecs_begin_flush(int descriptor, int64_t offset, int64_t count) {
#ifdef SYNC_FILE_RANGE_WRITE
    (void)sync_file_range(descriptor, offset, count, SYNC_FILE_RANGE_WRITE);
#else
    (void)descriptor, (void)offset, (void)count;
#endif
}
