// Reports for people: text for a terminal, Markdown for a document.
#pragma once

#include <string>

#include "report/report.h"

namespace planewise::report {

std::string render_text(const Report& report);
std::string render_markdown(const Report& report);

}  // namespace planewise::report
