using System.Diagnostics;
using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;
using Xunit;

namespace OneCopy.Tests.IO;

/// <summary>How a mapped file comes to be, its length, and how another process gets it.</summary>
public sealed class MappedFileTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_cannot_be_opened_is_an_exception_with_its_path()
    {
        OneCopyException missing = Assert.Throws<OneCopyException>(() => MappedFile.Open(_folder.File("missing")));
        Assert.Equal(("open", Errno.ENOENT, _folder.File("missing")), (missing.Call, missing.Errno, missing.Subject));
        Assert.Throws<OneCopyException>(() => MappedFile.Open(_folder.Path));
        Assert.Throws<OneCopyException>(() => MappedFile.Open("/dev/zero"));
        Assert.Throws<ArgumentException>(() => MappedFile.Open(_folder.Pattern(1), MapAccess.Write));
        Assert.Throws<ArgumentException>(() => MappedFile.Open(_folder.Pattern(1), MapAccess.None));
    }

    [Fact]
    public void A_new_file_has_all_its_blocks_and_never_replaces_another()
    {
        using MappedFile file = MappedFile.Create(_folder.File(), 100_000);
        Stat.Of(file.Name, out statx status);
        Assert.Equal((100_000UL, true), (status.stx_size, status.stx_blocks * 512 >= 100_000));
        Assert.Equal(Errno.EEXIST, Assert.Throws<OneCopyException>(() => MappedFile.Create(_folder.File(), 1)).Errno);
        Assert.Equal(100_000, file.Length);
        using MappedFile sparse = MappedFile.Create(_folder.File("sparse"), 1L << 40, allocate: false);
        Stat.Of(sparse.Name, out status);
        Assert.Equal((1UL << 40, true), (status.stx_size, status.stx_blocks < 100));
    }

    [Fact]
    public void The_length_is_the_file_s_own_at_each_moment()
    {
        using MappedFile file = MappedFile.Open(_folder.Pattern(10), MapAccess.ReadWrite);
        Assert.Equal(10, file.Length);
        File.AppendAllText(file.Name, "12345");
        Assert.Equal(15, file.Length);
        file.SetLength(1_000_000);
        Assert.Equal(1_000_000, new FileInfo(file.Name).Length);
        file.SetLength(4);
        Assert.Equal(4, new FileInfo(file.Name).Length);
        file.Dispose();
        Assert.Throws<ObjectDisposedException>(() => file.Length);
        Assert.Throws<ObjectDisposedException>(() => file.Map(0, 1));
    }

    [Fact]
    public void A_handle_that_is_open_already_says_what_it_allows()
    {
        string path = _folder.Pattern(100);
        using (SafeFileHandle handle = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite))
        {
            using (MappedFile file = MappedFile.FromHandle(handle))
                Assert.Equal((MapAccess.ReadWrite, 100L), (file.Access, file.Length));
            Assert.False(handle.IsClosed);
            MappedFile.FromHandle(handle, ownsHandle: true).Dispose();
            Assert.True(handle.IsClosed);
        }

        using SafeFileHandle reading = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using MappedFile readable = MappedFile.FromHandle(reading);
        Assert.Equal(MapAccess.Read, readable.Access);
        using SafeFileHandle writing = File.OpenHandle(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        Assert.Throws<ArgumentException>(() => MappedFile.FromHandle(writing));
        Assert.Throws<OneCopyException>(() => readable.SetLength(200));
        Assert.Throws<OneCopyException>(() => readable.SetLength(20));
        Assert.Equal(Errno.EBADF, Assert.Throws<OneCopyException>(() => MappedFile.FromDescriptor(99_999)).Errno);
    }

    [Fact]
    public void A_view_outlives_its_file_object()
    {
        MappedFile file = MappedFile.Open(_folder.Pattern(100), MapAccess.ReadWrite);
        using MappedView view = file.Map();
        using MappedView growing = file.MapGrowable(0, 100, 1 << 20);
        file.Dispose();
        File.Delete(file.Name);
        Assert.Equal(TestFolder.At(7), view.Read<byte>(7));
        growing.Grow(10_000);
        growing.Write(9_999, (byte)5);
        Assert.Equal(5, growing.Read<byte>(9_999));
    }

    [Theory]
    [InlineData("inherited")]
    [InlineData("path")]
    public async Task A_child_gets_the_file_as_a_descriptor(string how)
    {
        using MappedFile file = MappedFile.CreateMemfd("passed", 10_000);
        file.Seal(FileSeals.Shrink);
        using MappedView view = file.Map();
        view.Write(0, 0x1122334455667788);
        ChildProcess child;
        if (how is "inherited")
        {
            using InheritableDescriptor passed = file.MakeInheritable();
            child = ChildProcess.Start("map-descriptor", $"{passed.Number}");
        }
        else
        {
            child = ChildProcess.Start("map-descriptor", file.DescriptorPath);
        }

        using (child)
        {
            Assert.Equal($"10000 {0x1122334455667788} ReadWrite", await child.ReadLineAsync());
            child.WriteLine("");
            Assert.Equal("written", await child.ReadLineAsync());
            Assert.Equal(0x1122334455667789, view.Read<long>(8));
            child.Finish();
        }
    }

    [Fact]
    public void Other_descriptors_are_not_inherited()
    {
        using MappedFile file = MappedFile.CreateMemfd("kept", 100);
        int number;
        using (InheritableDescriptor passed = file.MakeInheritable())
            number = passed.Number;
        using ChildProcess child = ChildProcess.Start("map-descriptor", $"{number}");
        Assert.Equal(1, child.WaitForExit());
        Eventually.True(() => child.Error.Contains("EBADF", StringComparison.Ordinal), "the child says that nothing is open");
        using ChildProcess other = ChildProcess.Start("map-descriptor", $"{file.Handle.Fd()}");
        Assert.Equal(1, other.WaitForExit());
    }
}
