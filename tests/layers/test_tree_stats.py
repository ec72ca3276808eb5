#!/usr/bin/env python3
"""Tests what tools/tree_stats.py reads out of sources. usage: test_tree_stats.py"""

import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import tree_stats  # noqa: E402  (its folder is no package)

CPP = r"""
#define MACRO(x) \
  void x() {
namespace a::b {
namespace {
constexpr std::array<int, 2> kTable{1, 2};
const auto kSquares = [] {
  return 1;
}();
enum class Kind { kA, kB };
std::function<void(int)> callback{nullptr};

/* a comment with { and void f() { */
template <class T, class = std::enable_if_t<(sizeof(T) > 4)>>
T sum(T a, T b = T{}) {  // }
  const char* text = "}{\"";
  const char* raw = R"x(} )" )x";
  if (a == '{') return 1'000;
  return a + b;
}
struct Plain {
  int a = 0;
  std::vector<int> b{1, 2};
  bool operator==(const Plain&) const = default;
  int operator()(int x) const { return x; }

  class Inner : public Base<int> {
   public:
    Inner(int x)
        : a_{x}, b_(x) {
      b_ = a_;
    }
    ~Inner() {}

   private:
    int a_;
  };
};
}  // namespace

Tensor Tensor::rows(Range range) const {
  struct Local {
    int f() { return 1; }
  };
  return {};
}
__global__ void __launch_bounds__(kThreads) kernel(float* x) {
  x[0] = 1.0F;
}
auto f() -> std::vector<int> { return {}; }
}  // namespace a::b
TEST_F(Suite, Name) {
  EXPECT_EQ(1, 1);
}
"""


class Functions(unittest.TestCase):
    def test_of_cpp(self):
        expected = [
            ("sum", 7),  # from its template line to its brace
            ("operator()", 1),
            ("Inner", 4),
            ("~Inner", 1),
            ("Tensor::rows", 6),
            ("kernel", 3),
            ("f", 1),
            ("TEST_F(Suite, Name)", 3),
        ]
        self.assertEqual(list(tree_stats.cpp_functions(CPP)), expected)

    def test_of_python(self):
        self.assertEqual(
            list(tree_stats.python_functions("def f():\n  def g(): pass\n  return g\n")),
            [("f", 3), ("g", 1)],
        )


class Counts(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.root = pathlib.Path(temporary.name)
        recipe = "bpt_plr/recipe/recipe.hpp"
        self.write(recipe, (ROOT / recipe).read_text(encoding="utf-8"))

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def found(self, path, text):
        """Returns how often each count finds something when the file has that text."""
        self.write(path, text)
        folders = tree_stats.read_folders(self.root)
        found = [len(places) for _, places in tree_stats.counts(self.root, folders)]
        (self.root / path).unlink()
        return found

    def test_comparisons_with_strings(self):
        for text in (
            'if (recipe.arch == "cnn9") f();',
            'if ("cnn9" != recipe.arch) f();',
            'if (recipe().exchange ==\n    "joint") f();',
            'if (json.at("method") == "ce") f();',
            'if (name_of(kind) == "ce") f();',
            'if (options.precision == std::string_view("bf16")) f();',
        ):
            with self.subTest(text):
                self.assertEqual(self.found("apps/a.cpp", text), [0, 1, 0, 0, 0])
        for text in (
            "if (recipe.arch == Architecture::kCnn9) f();",
            'if (field.name == "lr") f();  // recipe.arch == "x"',
            'say("recipe.arch == x");',
        ):
            with self.subTest(text):
                self.assertEqual(self.found("apps/a.cpp", text), [0, 0, 0, 0, 0])

    def test_branches_on_the_device(self):
        text = "if constexpr (!kOnGpu<decltype(ctx)>) f();"
        self.assertEqual(self.found("engine/a.cpp", text), [0, 0, 1, 0, 0])
        self.assertEqual(self.found("kernels/a.hpp", text), [0, 0, 0, 0, 0])
        text = "if constexpr (std::is_same_v<T, float>) { device(); }"
        self.assertEqual(self.found("engine/a.cpp", text), [0, 0, 0, 0, 0])

    def test_pointers_into_tensors(self):
        text = "f(x.data<float>() + 3);"
        self.assertEqual(self.found("bpt_plr/method/a.cpp", text), [0, 0, 0, 1, 0])
        self.assertEqual(self.found("bpt_plr/method/ops.cpp", text), [0, 0, 0, 0, 0])
        text = "*x.data<float>() += 3;"
        self.assertEqual(self.found("bpt_plr/method/a.cpp", text), [0, 0, 0, 0, 0])

    def test_upward_includes_and_full_folders(self):
        self.assertEqual(self.found("engine/a.cpp", '#include "apps/main.hpp"\n'), [1, 0, 0, 0, 0])
        for number in range(41):
            self.write(f"engine/io/f{number}.cpp", "")
        self.assertEqual(self.found("engine/a.cpp", ""), [0, 0, 0, 0, 1])


if __name__ == "__main__":
    unittest.main()
