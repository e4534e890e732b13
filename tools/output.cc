#include "tools/output.h"

#include "print/output_file.h"

namespace planewise::tools {

void write_report(const report::Report& report, const OutputOptions& options) {
  write_output(report::render(report, options.format), options.output);
}

}  // namespace planewise::tools
