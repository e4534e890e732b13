// Text files of any kind: read within bounds, checked to be text, kept with their hash and lines.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "spec/input_error.h"

namespace planewise::spec {

/// What a file is meant to be, for the words of a refusal.
struct TextKind {
  std::string_view what;  ///< `a YAML file`.
  std::size_t most_bytes = 0;
  std::string_view when_large;  ///< What to do instead.
};

/// The bytes of `path`, a regular file. Empty, with one mistake reported, if it cannot be read.
std::optional<std::string> load_text(const std::string& path, const TextKind& kind,
                                     Diagnostics& diagnostics);

struct NamedText {
  const std::string& name;
  const std::string& text;
};

/// Fills `origin`: name, hash, and, if it is UTF-8 text, the text without a byte order mark.
/// Returns whether it is text; if not, one mistake is reported.
bool take_text(Origin& origin, const TextKind& kind, const NamedText& content,
               Diagnostics& diagnostics);

}  // namespace planewise::spec
