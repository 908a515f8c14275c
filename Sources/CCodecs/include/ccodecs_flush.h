// A system call that Swift's Glibc module does not export.
#pragma once
#include <stdint.h>

/// Asks the system to start writing a part of an open file to disk, without waiting. A hint: does nothing
/// on systems without such a call.
void ccodecs_begin_flush(int descriptor, int64_t offset, int64_t count);
