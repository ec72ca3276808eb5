// Ends the command with a sentence on a processor that it is not made for. Compiled for any x86-64
// (CMakeLists.txt), and called before what other sources do before main.
#include <unistd.h>

#include "kernels/processor.hpp"

namespace bptplr {
namespace {

void write_text(const char* text) {
  unsigned long length = 0;
  while (text[length] != '\0') ++length;
  static_cast<void>(!::write(STDERR_FILENO, text, length));
}

[[gnu::constructor(101)]] void check_processor() {
  const char* missing = kernels::missing_instructions();
  if (missing == nullptr) return;
  write_text("bptplr: error: ");
  write_text(missing);
  write_text("\n");
  ::_exit(1);
}

}  // namespace
}  // namespace bptplr
