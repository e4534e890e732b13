// What must hold of any sequence of calls whatsoever to the fast engine: what happens, and when, is
// as in the engine that computes everything again. The fuzzer looks for a sequence that breaks it;
// tests/engine holds it against the corpus.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace planewise::test {

/// Lets `data` make calls to both engines: at the start, and in every callback up to its next
/// `wait`. Returns what happened differently; empty if nothing did. See the operations in the
/// source.
std::string exercise_engine(std::span<const std::uint8_t> data);

}  // namespace planewise::test
