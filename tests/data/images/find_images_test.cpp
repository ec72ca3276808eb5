// Which files of a folder are images, and what is said of the others.
#include "data/images/find_images.hpp"

#include <gtest/gtest.h>

#include <string>

#include "engine/error.hpp"
#include "tests/data/sets/image_sets.hpp"
#include "tests/temporary_folder.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

TEST(FindImages, TakesAllFoldersBelowAndCountsTheRest) {
  const TemporaryFolder folder;
  const fs::path top = folder.path() / "top";
  for (const char* name :
       {"b.png", "a/z.JPG", "a/deep/er/x.jpeg", "c/y.WEBP", ".hidden/n.jpg", "a/.n.jpg",
        "__MACOSX/a/._z.JPG", "a/notes.txt", "a/scan.TIF", "t.tif", "README", "aa.png"}) {
    write_text_file(top / name, "");
  }
  fs::create_directory_symlink("..", top / "a/loop");
  fs::create_symlink("b.png", top / "link.png");
  const FoundImages found = find_images(top);
  std::vector<std::string> names;
  for (const fs::path& file : found.files) {
    names.push_back(file.lexically_relative(top).string());
  }
  EXPECT_EQ(names, (std::vector<std::string>{"a/deep/er/x.jpeg", "a/z.JPG", "aa.png", "b.png",
                                             "c/y.WEBP", "link.png"}));
  const std::map<std::string, std::int64_t> kinds{
      {".tif", 2}, {".txt", 1}, {"hidden", 3}, {"links to folders", 1}, {"without an ending", 1}};
  EXPECT_EQ(found.passed_over.kinds(), kinds);
  const std::string sentence = found.passed_over.sentence();
  EXPECT_NE(sentence.find("2 .tif, 1 .txt, 3 hidden"), std::string::npos) << sentence;
  EXPECT_EQ(find_images(top / "c").passed_over.sentence(), "");
  EXPECT_THROW(find_images(folder.path() / "nowhere"), Error);
}

}  // namespace
}  // namespace bptplr
