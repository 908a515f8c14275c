// CPU operators of FaceGAN for libtorch, registered in the library "facegan" when this code is loaded.
#pragma once

namespace kernels {

/// Makes libtorch allocate CPU tensors of 256 KiB and more from one address range that is reused between steps.
///
/// This replaces the allocator of the whole process, so a library must not call it on behalf of its host. Tensors that exist
/// already keep the allocator that made them. Calling it again has no effect.
void use_block_allocator();

}  // namespace kernels
