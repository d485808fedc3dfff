using Xunit;

namespace OneCopy.Tests.IO;

/// <summary>On a file system that shares extents.</summary>
public sealed class CopyCloneTests
{
    [Theory]
    [InlineData("btrfs", "mkfs.btrfs", "-q")]
    [InlineData("xfs", "mkfs.xfs", "-q")]
    public void A_clone_shares_its_extents_until_one_of_the_two_is_written(string kind, string program, string quiet)
    {
        Requires.Root();
        if (!Environment.GetEnvironmentVariable("PATH")!.Split(':').Append("/sbin").Any(folder => File.Exists(Path.Combine(folder, program))))
            Assert.Skip($"Needs {program}.");
        using CopyFolder memory = new("/dev/shm");
        memory.WriteSparse("image", 400 << 20);
        CopyFolder.Run(program, quiet, memory["image"]);
        Directory.CreateDirectory(memory["mount"]);
        CopyFolder.Run("mount", "-o", "loop", memory["image"], memory["mount"]);
        try
        {
            byte[] content = memory.Write("mount/source", 20_000_000);
            Assert.Equal((CopyEngine.Clone, kind), (FileCopier.Plan(memory["mount/source"], memory["mount/a"]).Engine, FileCopier.Plan(memory["mount/source"], memory["mount/a"]).SourceFileSystem));
            foreach ((string name, FileCopyOptions options) in new[]
            {
                ("a", new FileCopyOptions()), ("b", new FileCopyOptions { Engine = CopyEngine.Clone }), ("c", new FileCopyOptions { Atomic = true, Verify = true }),
            })
            {
                CopyExtent extent = Assert.Single(FileCopier.Copy(memory["mount/source"], memory[$"mount/{name}"], options).Extents);
                Assert.Equal((CopyEngine.Clone, 20_000_000L, null), (extent.Engine, extent.Length, extent.Reason));
                Assert.True(content.AsSpan().SequenceEqual(File.ReadAllBytes(memory[$"mount/{name}"])));
            }
            using (FileStream file = new(memory["mount/a"], FileMode.Open, FileAccess.Write))
                file.WriteByte((byte)~content[0]);
            Assert.True(content.AsSpan().SequenceEqual(File.ReadAllBytes(memory["mount/b"])));

            Directory.CreateDirectory(memory["mount/tree"]);
            for (int i = 0; i < 50; i++)
                memory.Write($"mount/tree/{i}", i * 1000);
            TreeCopyResult tree = FileCopier.CopyTree(memory["mount/tree"], memory["mount/tree2"]);
            Assert.Empty(tree.Failures);
            CopyFolder.Run("diff", "-r", memory["mount/tree"], memory["mount/tree2"]);

            // From another file system: said no, and copied otherwise.
            FileCopyResult across = FileCopier.Copy(memory["mount/source"], memory["across"]);
            Assert.NotEqual([CopyEngine.Clone], across.Engines);
            Assert.True(content.AsSpan().SequenceEqual(File.ReadAllBytes(memory["across"])));
        }
        finally
        {
            CopyFolder.Run("umount", memory["mount"]);
        }
    }
}
