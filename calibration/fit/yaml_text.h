// Values as they stand in YAML: numbers of six digits with units, texts in quotes.
#pragma once

#include <string>
#include <string_view>

#include "base/units.h"

namespace planewise::calibration {

/// Six significant digits without an exponent: `1346`, `0.00213`, `1000000`.
std::string yaml_number(double value);

std::string yaml_value(Seconds time);    ///< `3.7 us`
std::string yaml_value(Rate rate);       ///< `3145 GB/s`
std::string yaml_value(FlopRate rate);   ///< `1346 TFLOPS`
std::string yaml_value(Bytes size);      ///< `64 B`, `1.5 MB`, `141 GB`
std::string yaml_percent(double share);  ///< `2.1 %` of 0.021

/// In double quotes, with what may not stand there escaped.
std::string yaml_text(std::string_view text);

/// An id or a key as it is if it needs no quotes, else as yaml_text.
std::string yaml_word(std::string_view word);

/// As a comment, each line of it.
std::string yaml_comment(std::string_view text);

}  // namespace planewise::calibration
