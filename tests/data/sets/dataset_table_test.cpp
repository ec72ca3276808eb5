// Every data set that a recipe can name has a row, and what the rows say agrees with the data.
#include "data/sets/dataset_table.hpp"

#include <gtest/gtest.h>

#include "engine/error.hpp"
#include "tests/data/sets/image_sets.hpp"
#include "tests/temporary_folder.hpp"

namespace bptplr {
namespace {

TEST(DatasetTable, HasARowForEveryDataSet) {
  for (const auto& [kind, name] : names_of(DatasetKind{})) {
    SCOPED_TRACE(name);
    const DatasetInfo& info = dataset_info(kind);
    EXPECT_EQ(info.kind, kind);
    EXPECT_NE(info.load, nullptr);
    EXPECT_EQ(info.list != nullptr, info.has_image_files());
    EXPECT_EQ(info.is_at != nullptr, info.has_image_files());
    EXPECT_EQ(info.usual_image_size > 0, info.has_image_files());
    if (info.needs != nullptr) {
      EXPECT_THROW(load_dataset({.kind = kind, .path = "/nowhere"}), Error);
    }
  }
}

TEST(DatasetTable, ShapesAreWhatTheirRowSays) {
  const DatasetInfo& info = dataset_info(DatasetKind::kShapes);
  const Dataset shapes =
      load_dataset({.kind = DatasetKind::kShapes, .shapes_train = 20, .shapes_test = 10});
  EXPECT_EQ(shapes.num_classes(), info.num_classes);
  EXPECT_EQ(shapes.train.images.height, info.side);
  EXPECT_EQ(shapes.train.images.count, 20);
  EXPECT_EQ(shapes.test.images.count, 10);
}

TEST(DatasetTable, ImageFilesAreListedByWhateverDataSetLiesThere) {
  const TemporaryFolder folder;
  write_class_folders(folder / "folder", 2, 1);
  write_animal10n(folder / "animals", 1);
  write_clothing1m(folder / "clothes", 1);
  write_text_file(folder / "list.csv",
                  "path,label\nfolder/class0/image0.jpg,0\nfolder/class1/image0.jpg,1\n");
  EXPECT_EQ(list_image_files(folder / "folder").name, "folder");
  EXPECT_EQ(list_image_files(folder / "animals").name, "animal10n");
  EXPECT_EQ(list_image_files(folder / "clothes").name, "clothing1m");
  EXPECT_EQ(list_image_files(folder / "list.csv").name, "csv");
  EXPECT_THROW(list_image_files(folder / "nothing"), Error);
}

}  // namespace
}  // namespace bptplr
