// A call of the system that Swift does not see.
#pragma once
#include <stdint.h>

/// Asks the system to begin writing a part of an open file to its disk and does not wait. A hint: nothing
/// happens where there is no such call.
void ccodecs_begin_flush(int descriptor, int64_t offset, int64_t count);
