// Finding and loading the engine; the table of its functions is in ctorch_api.h.
#ifndef CTORCH_H
#define CTORCH_H

#include "ctorch_api.h"

#if defined(__clang__)
#pragma clang assume_nonnull begin
#endif

/// The loaded engine, or null before `ct_engine_load` succeeded.
const ct_api *_Nullable ct_engine(void);

/// Loads the engine once: a linked one, else `library` after libtorch from `torch_lib_folder` (may be null, then the
/// library's own search path counts). Returns null, or the reason why it failed (a text of this thread).
const char *_Nullable ct_engine_load(const char *_Nullable library, const char *_Nullable torch_lib_folder);

/// What was tried while loading, one line each (for `facegan doctor`).
const char *ct_engine_trace(void);

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif

#endif
