// How much memory a piece of work takes.
#pragma once

#include <cstdint>
#include <functional>

namespace planewise::bench {

/// Returns the most bytes that `work` holds on the heap at once, beyond what was there before.
/// Counts what `new` gave, so one thread at a time.
std::int64_t peak_bytes(const std::function<void()>& work);

}  // namespace planewise::bench
