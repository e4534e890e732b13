#include "print/program.h"

#include <fmt/format.h>

#include <exception>

#include "print/interrupts.h"
#include "spec/input_error.h"

namespace planewise {
namespace {

int report_input_error(const spec::InputError& error, const std::string& undone) {
  for (const spec::Diagnostic& diagnostic : error.diagnostics()) {
    fmt::print(stderr, "{}", spec::render(diagnostic));
  }
  const std::size_t count = error.diagnostics().size();
  fmt::print(stderr, "{} {}; {}\n", count, count == 1 ? "error" : "errors", undone);
  return kInput;
}

}  // namespace

int run_program(const std::string& name, const std::string& undone,
                const std::function<int()>& body) {
  try {
    return body();
  } catch (const spec::InputError& error) {
    return report_input_error(error, undone);
  } catch (const Interrupted& stop) {
    fmt::print(stderr, "{}: {}\n", name, stop.what());
    return kInterrupted;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}: {}\n", name, error.what());
    return kMachine;
  }
}

}  // namespace planewise
