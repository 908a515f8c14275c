// The C API to libtorch: a table of C functions, filled by the engine library that is found at run time.
// Every function is noexcept and returns a status; the text of the last error belongs to the calling thread.
#ifndef CTORCH_API_H
#define CTORCH_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__clang__)
#pragma clang assume_nonnull begin
#else
#define _Nullable
#define _Nonnull
#endif

/// An owned reference to a tensor; released with `tensor_free`.
typedef struct ct_tensor_s *ct_tensor;
/// An owned random number generator; released with `generator_free`.
typedef struct ct_generator_s *ct_generator;
/// An owned graph of recorded device work; released with `graph_free`.
typedef struct ct_graph_s *ct_graph;

typedef enum { CT_OK = 0, CT_ERROR = 1, CT_OUT_OF_MEMORY = 2, CT_NO_OPERATOR = 3 } ct_status;

typedef enum {
  CT_NONE,
  CT_DEFAULT,     // the schema's default
  CT_TENSOR,      // tensor
  CT_INT,         // i (also data types, memory formats and layouts)
  CT_DOUBLE,      // d
  CT_BOOL,        // i
  CT_STRING,      // text + i, count bytes
  CT_INTS,        // ints + i, count
  CT_DOUBLES,     // doubles + i, count
  CT_BOOLS,       // ints + i, count
  CT_TENSORS,     // tensors + i, count; a null one is an absent optional
  CT_DEVICE,      // i = device type, count = index
  CT_GENERATOR    // generator
} ct_tag;

/// One argument. Lists live in side arrays of the call; `i` is the offset of the first element.
typedef struct {
  int32_t tag;
  int32_t count;
  int64_t i;
  double d;
  ct_tensor _Nullable tensor;
  ct_generator _Nullable generator;
  const char *_Nullable name;  // null: by position
} ct_value;

/// The arguments of one operator call.
typedef struct {
  const ct_value *_Nullable values;
  int32_t count;
  const int64_t *_Nullable ints;
  const double *_Nullable doubles;
  const ct_tensor _Nullable *_Nullable tensors;
  const char *_Nullable text;
} ct_arguments;

/// Gives the gradients of a function's inputs from those of its output. `results[k]` is to be set, to an owned tensor, where
/// `needed[k]` is true. The output's gradient becomes the callee's.
typedef void (*ct_backward)(void *_Nonnull context, ct_tensor gradient, const bool *_Nonnull needed,
                            ct_tensor _Nullable *_Nonnull results, int32_t count);

typedef struct {
  int32_t abi;  // CT_ABI
  // Version of the libtorch that is loaded, "2.13.0".
  const char *_Nonnull (*_Nonnull version)(void);
  const char *_Nonnull (*_Nonnull configuration)(void);
  const char *_Nonnull (*_Nonnull cpu_capability)(void);
  const char *_Nonnull (*_Nonnull last_error)(void);
  // What happened when CUDA's part of libtorch was looked for, one line each.
  const char *_Nonnull (*_Nonnull cuda_trace)(void);

  // Operators, by schema name ("conv2d", "add.Tensor", "mkldnn::_linear_pointwise"); the text must live forever.
  // Exactly `result_count` tensors come back, lists flattened, undefined ones as null; any other result is an error.
  ct_status (*_Nonnull call)(const char *name, const ct_arguments *arguments,
                    ct_tensor _Nullable *_Nullable results, int32_t result_count);
  ct_status (*_Nonnull schema)(const char *name, const char *_Nullable *_Nonnull text);

  // Tensors.
  void (*_Nonnull tensor_free)(ct_tensor tensor);
  int64_t (*_Nonnull live_tensors)(void);
  int32_t (*_Nonnull dimensions)(ct_tensor tensor);
  const int64_t *_Nullable (*_Nonnull sizes)(ct_tensor tensor);
  const int64_t *_Nullable (*_Nonnull strides)(ct_tensor tensor);
  int64_t (*_Nonnull element_count)(ct_tensor tensor);
  int32_t (*_Nonnull dtype)(ct_tensor tensor);
  int32_t (*_Nonnull device)(ct_tensor tensor, int32_t *_Nonnull index);
  bool (*_Nonnull is_contiguous)(ct_tensor tensor, int32_t memory_format);
  void *_Nullable (*_Nonnull data)(ct_tensor tensor);
  ct_status (*_Nonnull from_bytes)(const void *_Nullable bytes, int64_t byte_count, const int64_t *_Nullable sizes,
                          int32_t dimensions, int32_t dtype, ct_tensor _Nullable *_Nonnull out);
  ct_status (*_Nonnull to_bytes)(ct_tensor tensor, void *_Nullable bytes, int64_t byte_count);

  // Gradients.
  bool (*_Nonnull requires_grad)(ct_tensor tensor);
  ct_status (*_Nonnull set_requires_grad)(ct_tensor tensor, bool value);
  ct_status (*_Nonnull grad_of)(ct_tensor tensor, ct_tensor _Nullable *_Nonnull out);
  ct_status (*_Nonnull set_grad)(ct_tensor tensor, ct_tensor _Nullable grad);
  ct_status (*_Nonnull backward)(ct_tensor loss, ct_tensor _Nullable seed, bool retain_graph, bool create_graph);
  ct_status (*_Nonnull gradients)(const ct_tensor _Nullable *_Nonnull outputs, int32_t output_count,
                         const ct_tensor _Nullable *_Nonnull inputs, int32_t input_count,
                         const ct_tensor _Nullable *_Nullable seeds, bool retain_graph, bool create_graph,
                         ct_tensor _Nullable *_Nonnull out);
  // The same for leaves, added to `found`, in place; a nullptr there becomes a tensor if there is a gradient.
  ct_status (*_Nonnull add_gradients)(ct_tensor output, const ct_tensor _Nullable *_Nonnull leaves, int32_t count,
                                      ct_tensor _Nullable *_Nonnull found);
  // A tensor with the values of `output` whose gradient goes to `inputs` by way of `backward`; `release` gets the context
  // when the tape lets go of it.
  ct_status (*_Nonnull function)(ct_tensor output, const ct_tensor _Nonnull *_Nonnull inputs, int32_t input_count,
                        ct_backward backward, void *_Nonnull context, void (*_Nonnull release)(void *_Nonnull),
                        ct_tensor _Nullable *_Nonnull out);
  bool (*_Nonnull grad_mode)(void);
  void (*_Nonnull set_grad_mode)(bool enabled);

  // Autocast, per device type (thread-local).
  bool (*_Nonnull autocast)(int32_t device, int32_t *_Nonnull dtype);
  ct_status (*_Nonnull set_autocast)(int32_t device, bool enabled, int32_t dtype);
  void (*_Nonnull clear_autocast_cache)(void);

  // Randomness.
  ct_status (*_Nonnull generator_new)(int64_t seed, ct_generator _Nullable *_Nonnull out);
  void (*_Nonnull generator_free)(ct_generator generator);
  ct_status (*_Nonnull generator_state)(ct_generator generator, ct_tensor _Nullable *_Nonnull out);
  ct_status (*_Nonnull generator_set_state)(ct_generator generator, ct_tensor state);
  // A new reference to the default generator of a device.
  ct_status (*_Nonnull device_generator)(int32_t device, int32_t index, ct_generator _Nullable *_Nonnull out);
  ct_status (*_Nonnull seed_device)(int32_t device, int32_t index, int64_t seed);

  // Machine.
  int32_t (*_Nonnull threads)(void);
  int32_t (*_Nonnull interop_threads)(void);
  ct_status (*_Nonnull set_threads)(int32_t intra_op, int32_t inter_op);
  // Large CPU tensors come from one reused address range from now on, in the whole process.
  void (*_Nonnull use_block_allocator)(void);
  ct_status (*_Nonnull set_flush_denormal)(bool enabled);
  ct_status (*_Nonnull set_deterministic)(bool enabled);
  int32_t (*_Nonnull cuda_device_count)(void);
  ct_status (*_Nonnull synchronize)(int32_t index);
  ct_status (*_Nonnull cuda_memory)(int32_t index, int64_t *_Nonnull allocated, int64_t *_Nonnull peak, int64_t *_Nonnull total);
  ct_status (*_Nonnull cuda_empty_cache)(void);

  // Graphs of CUDA work. Null if the engine can record them, otherwise the reason.
  const char *_Nullable (*_Nonnull graph_obstacle)(void);
  ct_status (*_Nonnull graph_new)(ct_graph _Nullable *_Nonnull out);
  void (*_Nonnull graph_free)(ct_graph graph);
  // Records the work of this thread's stream, which must not be the default stream, until `graph_end`, without running it.
  // With `shared`, in the memory of that graph; their replays must not overlap.
  ct_status (*_Nonnull graph_begin)(ct_graph graph, ct_graph _Nullable shared);
  ct_status (*_Nonnull graph_end)(ct_graph graph);
  ct_status (*_Nonnull graph_replay)(ct_graph graph);
  // Makes this thread use a stream of its own on a CUDA device from now on, if it uses the default stream.
  ct_status (*_Nonnull use_own_stream)(int32_t index);
  ct_status (*_Nonnull synchronize_stream)(int32_t index);
  // Whether cuDNN measures algorithms for each shape, and whether float32 products may use TF32.
  ct_status (*_Nonnull set_cuda_speed)(bool benchmark, bool tf32);
} ct_api;

#define CT_ABI 6

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif

#ifdef __cplusplus
}
#endif
#endif
