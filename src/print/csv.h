// Comma-separated text (RFC 4180, but lines end with a line feed).
#pragma once

#include <string>
#include <string_view>

namespace planewise {

/// `text` as one cell: in double quotes, inner quotes doubled, if it has a comma, a quote or a line
/// break.
std::string csv_text(std::string_view text);

}  // namespace planewise
