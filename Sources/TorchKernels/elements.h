// The elements of a tensor as a pointer. libtorch's `const_data_ptr<T>` has different symbols for clang and gcc in PyTorch 2.11,
// and the wheel exports gcc's only. The functions without a type are inline and have no symbol.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/ScalarType.h>

namespace kernels {

template <class T>
void check_elements(const at::Tensor &tensor) {
  constexpr auto wanted = c10::CppTypeToScalarType<T>::value;
  TORCH_CHECK(tensor.scalar_type() == wanted, "expected elements of type ", wanted, ", got ", tensor.scalar_type());
}

/// The elements of a tensor for reading; an error if they have another type.
template <class T>
const T *read_elements(const at::Tensor &tensor) {
  check_elements<T>(tensor);
  return static_cast<const T *>(tensor.const_data_ptr());
}

/// The elements of a tensor for writing; an error if they have another type.
template <class T>
T *write_elements(const at::Tensor &tensor) {
  check_elements<T>(tensor);
  return static_cast<T *>(tensor.mutable_data_ptr());
}

}  // namespace kernels
