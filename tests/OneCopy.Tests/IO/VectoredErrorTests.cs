using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;
using OneCopy.Tests.Memory;
using Xunit;

namespace OneCopy.Tests.IO;

/// <summary>ERRORS of readv(2) and write(2), each made by the kernel: what was moved before is not lost.</summary>
public sealed class VectoredErrorTests
{
    [Fact]
    public void A_closed_handle_is_disposed()
    {
        TestFile file = new();
        file.Dispose();
        Assert.Throws<ObjectDisposedException>(() => VectoredIO.ReadAt(file.Handle, new byte[1], 0));
        Assert.Throws<ObjectDisposedException>(() => VectoredIO.WriteAll(file.Handle, [], VectoredFlags.None));
        Assert.Throws<ObjectDisposedException>(() => { _ = VectoredIO.ReadAsync(file.Handle, new byte[1]); });
        Assert.Throws<ObjectDisposedException>(() => VectoredIO.SupportedReadFlags(file.Handle));
    }

    [Fact]
    public void Wrong_arguments_are_refused_before_any_call()
    {
        using TestFile file = new();
        Assert.Throws<ArgumentNullException>(() => VectoredIO.Read(null!, new byte[1]));
        Assert.Throws<ArgumentNullException>(() => VectoredIO.Read(file.Handle, (IReadOnlyList<Memory<byte>>)null!));
        Assert.Throws<ArgumentNullException>(() => { _ = VectoredIO.WriteAsync(file.Handle, (IReadOnlyList<ReadOnlyMemory<byte>>)null!); });
        Assert.Throws<ArgumentOutOfRangeException>(() => VectoredIO.ReadAt(file.Handle, new byte[1], -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => { _ = VectoredIO.WriteAllAtAsync(file.Handle, new byte[1], -1); });
        Assert.Throws<ArgumentException>(() => VectoredIO.Read(new SafeFileHandle(-1, ownsHandle: false), new byte[1]));
    }

    [Fact]
    public void The_wrong_direction_is_EBADF_and_a_directory_EISDIR()
    {
        using TestFile file = new();
        using SafeFileHandle reader = SafeFd.Open(file.Path, OpenFlags.O_RDONLY);
        using SafeFileHandle writer = SafeFd.Open(file.Path, OpenFlags.O_WRONLY);
        using SafeFileHandle folder = SafeFd.Open("/tmp", OpenFlags.O_RDONLY);
        VectoredIOException e = Assert.Throws<VectoredIOException>(() => VectoredIO.WriteAllAt(reader, ["a"u8, "b"u8], 3));
        Assert.Equal(("pwritev", "EBADF", 0L, 3L), (e.Call, e.ErrnoName, e.BytesTransferred, e.Offset));
        Assert.Contains("not open for writing", e.Message, StringComparison.Ordinal);
        e = Assert.Throws<VectoredIOException>(() => VectoredIO.Read(writer, new byte[1]));
        Assert.Equal(("readv", "EBADF", (long?)null), (e.Call, e.ErrnoName, e.Offset));
        Assert.Equal("EISDIR", Assert.Throws<VectoredIOException>(() => VectoredIO.Read(folder, new byte[1])).ErrnoName);
    }

    [Fact]
    public void A_pipe_has_no_offsets_and_without_a_reader_no_use()
    {
        using TestPipe pipe = new();
        Assert.Equal("ESPIPE", Assert.Throws<VectoredIOException>(() => VectoredIO.ReadAt(pipe.Reader, new byte[1], 0)).ErrnoName);
        Assert.Equal("ESPIPE", Assert.Throws<VectoredIOException>(() => VectoredIO.WriteAllAt(pipe.Writer, new byte[1], 0)).ErrnoName);
        pipe.Reader.Dispose();
        VectoredIOException e = Assert.Throws<VectoredIOException>(() => VectoredIO.WriteAll(pipe.Writer, ["a"u8]));
        Assert.Equal(("writev", "EPIPE", 0L), (e.Call, e.ErrnoName, e.BytesTransferred));
    }

    [Fact]
    public void Memory_that_is_not_there_is_EFAULT_behind_what_was_moved()
    {
        using TestFile file = new(TestFile.Pattern(20_000));
        using LocalPages pages = new(4);
        pages.Forbid(2);
        LocalSegment[] segments = [new(pages.Address + 4096, 4096), new(pages.Address + 8192, 4096)];
        Assert.Equal(4096, VectoredIO.ReadAt(file.Handle, segments, 0));
        VectoredIOException e = Assert.Throws<VectoredIOException>(() => VectoredIO.ReadExactlyAt(file.Handle, segments, 100));
        Assert.Equal(("EFAULT", 4096L, 4196L), (e.ErrnoName, e.BytesTransferred, e.Offset));
        e = Assert.Throws<VectoredIOException>(() => VectoredIO.WriteAllAt(file.Handle, segments, 20_000));
        Assert.Equal(("EFAULT", 4096L), (e.ErrnoName, e.BytesTransferred));
        Assert.Equal(TestFile.Pattern(4096, 100), file.Content[20_000..]);
    }

    /// <summary>A gather write that a full file system cuts, inside a buffer and between two: the count is where it was cut, and every byte before it is in its place.</summary>
    [Theory]
    [InlineData(3000, 40)]
    [InlineData(4096, 30)]
    [InlineData(50, 3000)]
    public async Task A_full_file_system_cuts_a_write_where_it_says(int length, int count)
    {
        const int Size = 64 * 1024;
        using SmallFileSystem small = new("tmpfs", Size);
        byte[] bytes = TestFile.Pattern(length * count);
        ReadOnlyMemory<byte>[] buffers = [.. Enumerable.Range(0, count).Select(i => (ReadOnlyMemory<byte>)bytes.AsMemory(i * length, length))];
        using (TestFile file = new(folder: small.Path))
        {
            long once = VectoredIO.WriteAt(file.Handle, buffers, 0);
            Assert.Equal(Math.Min(Size, Math.Min(count, 1024) * length), once);
            Assert.Equal(bytes[..(int)once], file.Content);
        }

        small.AwaitFree(Size);
        using (TestFile file = new(folder: small.Path))
        {
            VectoredIOException e = Assert.Throws<VectoredIOException>(() => VectoredIO.WriteAllAt(file.Handle, buffers, 0));
            Assert.Equal(("pwritev", "ENOSPC", (long)Size, (long)Size), (e.Call, e.ErrnoName, e.BytesTransferred, e.Offset));
            Assert.Equal(bytes[..Size], file.Content);
        }

        small.AwaitFree(Size);
        using (TestFile file = new(folder: small.Path))
        {
            VectoredIOException e = await Assert.ThrowsAsync<VectoredIOException>(async () => await VectoredIO.WriteAllAsync(file.Handle, buffers));
            Assert.Equal(("writev", "ENOSPC", (long)Size, (long?)null), (e.Call, e.ErrnoName, e.BytesTransferred, e.Offset));
            Assert.Equal(bytes[..Size], file.Content);
        }
    }

    /// <summary>
    /// RLIMIT_FSIZE: the write that meets it is cut, the next one is EFBIG, where SIGXFSZ is handled; by default it ends the process.
    /// </summary>
    [Theory]
    [InlineData("handled", "EFBIG 10000 after 10000")]
    [InlineData("default", null)]
    public void The_limit_of_file_sizes(string signal, string? answer)
    {
        Requires.Program("prlimit", "--fsize=unlimited");
        using TestFile file = new();
        using ChildProcess child = ChildProcess.Start("vectored-limit", file.Path, signal);
        Assert.Equal("ready", child.ReadLine());
        using (ChildProcess limit = ChildProcess.StartProgram("prlimit", "--fsize=10000:10000", "--pid", child.Pid.ToString(CultureInfo.InvariantCulture)))
            limit.Finish();
        child.WriteLine("go");
        if (answer is not null)
            Assert.Equal(answer, child.ReadLine());
        else
            Assert.Equal(128 + 25, child.WaitForExit()); // SIGXFSZ
        Assert.Equal(TestFile.Pattern(10_000), file.Content);
    }
}
