// NCCL between processes that share memory, for GPUs that the processor stands for: what a call
// moves is moved when it, or its group, returns. It keeps NCCL's rules that the transport rests on:
// communicators that do not block, groups, splits by color, sends and receives in order a pair.
#pragma once

#include <cstddef>

namespace planewise::emulated {

/// Memory for so many processes, to be made before they are forked.
void* make_nccl_memory(int ranks);
/// Of this process, before its first call; `rank` of the world.
void attach_nccl(void* memory, int rank, int ranks);
/// Of this process: communicators that were aborted.
int aborted_communicators();

}  // namespace planewise::emulated
