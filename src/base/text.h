// Text from outside, made safe to print: nothing in a user's file may steer the user's terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace planewise {

/// Length of the UTF-8 sequence at `i` of `text`: 1 to 4, or 0 if there is none that is valid
/// (overlong, a surrogate, beyond U+10FFFF, cut short, or `i` at the end).
std::size_t utf8_length(std::string_view text, std::size_t i);

/// Characters in `text`; a byte that is not UTF-8 counts as one.
std::size_t character_count(std::string_view text);

/// `text` with control characters (line breaks too), characters that reverse the direction of
/// writing and bytes that are not UTF-8 written as `\n`, `\t`, `\x1b` or `\u202e`.
std::string printable(std::string_view text);

/// The same, of more than 60 characters the first ones and `...`.
std::string shortened(std::string_view text);

/// The same in single quotes, for a message.
std::string in_quotes(std::string_view text);

}  // namespace planewise
