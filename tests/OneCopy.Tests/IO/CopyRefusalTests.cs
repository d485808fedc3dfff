using System.Net.Sockets;
using OneCopy.Interop;
using Xunit;

namespace OneCopy.Tests.IO;

/// <summary>What is not copied is refused before anything is changed, and without waiting for anybody.</summary>
public sealed class CopyRefusalTests : IDisposable
{
    private readonly CopyFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_same_file_under_any_name(bool atomic)
    {
        byte[] content = _folder.Write("file", 300_000);
        CopyFolder.Run("ln", _folder["file"], _folder["hard"]);
        CopyFolder.Run("ln", "-s", "file", _folder["soft"]);
        CopyFolder.Run("ln", "-s", _folder.Path, _folder["directory"]);
        foreach (string other in new[] { "file", "hard", "soft", "directory/file", "directory/hard" })
        {
            foreach ((string from, string to) in new[] { ("file", other), (other, "file") })
            {
                OneCopyException e = Assert.Throws<OneCopyException>(() => FileCopier.Copy(_folder[from], _folder[to], new FileCopyOptions { Atomic = atomic }));
                Assert.Contains("same file", e.Message, StringComparison.Ordinal);
                Assert.Throws<OneCopyException>(() => FileCopier.Plan(_folder[from], _folder[to]));
            }
        }
        Assert.Equal(content, File.ReadAllBytes(_folder["file"]));
    }

    [Fact]
    public void Everything_that_is_no_regular_file()
    {
        byte[] content = _folder.Write("file", 1000);
        CopyFolder.Run("mkfifo", _folder["pipe"]);
        Directory.CreateDirectory(_folder["directory"]);
        File.CreateSymbolicLink(_folder["dangling"], "nowhere");
        using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(_folder["socket"]));
        foreach ((string path, string word) in new[] { ("pipe", "named pipe"), ("directory", "directory"), ("dangling", "leads to nothing"), ("socket", ""), ("/dev/zero", "device"), ("missing", "No such file") })
        {
            OneCopyException from = Assert.Throws<OneCopyException>(() => FileCopier.Copy(_folder[path], _folder["new"]));
            Assert.Contains(word, from.Message, StringComparison.Ordinal);
            Assert.False(File.Exists(_folder["new"]), path);
            if (path is "missing")
                continue;
            foreach (bool atomic in new[] { false, true })
            {
                OneCopyException to = Assert.Throws<OneCopyException>(() => FileCopier.Copy(_folder["file"], _folder[path], new FileCopyOptions { Atomic = atomic }));
                Assert.Contains(word, to.Message, StringComparison.Ordinal);
            }
        }
        Assert.Equal(["dangling", "directory", "file", "pipe", "socket"], _folder.Names());
        Assert.Equal(content, File.ReadAllBytes(_folder["file"]));
        Assert.Contains("directory", Assert.Throws<OneCopyException>(() => FileCopier.Copy(_folder["file"], _folder["x"] + "/")).Message, StringComparison.Ordinal);
        Assert.Contains("directory is not there", Assert.Throws<OneCopyException>(() => FileCopier.Copy(_folder["file"], _folder["no/x"])).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_existing_file_that_is_to_be_left_alone(bool atomic)
    {
        _folder.Write("source", 1000);
        byte[] old = _folder.Write("old", 500);
        OneCopyException e = Assert.Throws<OneCopyException>(() => FileCopier.Copy(_folder["source"], _folder["old"], new FileCopyOptions { Existing = ExistingFile.Fail, Atomic = atomic }));
        Assert.Equal(Errno.EEXIST, e.Errno);
        Assert.True(FileCopier.Copy(_folder["source"], _folder["old"], new FileCopyOptions { Existing = ExistingFile.Skip, Atomic = atomic }).Skipped);
        Assert.Equal(old, File.ReadAllBytes(_folder["old"]));
        Assert.False(FileCopier.Copy(_folder["source"], _folder["new"], new FileCopyOptions { Existing = ExistingFile.Skip, Atomic = atomic }).Skipped);
        Assert.Equal(["new", "old", "source"], _folder.Names());
    }

    [Fact]
    public void A_name_that_is_taken_while_the_copy_is_made_is_left_alone()
    {
        _folder.Write("source", 3_000_000);
        foreach (ExistingFile existing in Enum.GetValues<ExistingFile>())
        {
            FileCopyOptions options = new() { Existing = existing, Atomic = true };
            Told taker = new(p => File.WriteAllText(_folder[p.Files == 0 ? "copy" : "done"], "taken"));
            if (existing == ExistingFile.Fail)
                Assert.Equal(Errno.EEXIST, Assert.Throws<OneCopyException>(() => FileCopier.Copy(_folder["source"], _folder["copy"], options, taker)).Errno);
            else
                Assert.Equal(existing == ExistingFile.Skip, FileCopier.Copy(_folder["source"], _folder["copy"], options, taker).Skipped);
            Assert.Equal(existing == ExistingFile.Replace ? 3_000_000 : 5, new FileInfo(_folder["copy"]).Length);
            File.Delete(_folder["done"]);
            Assert.Equal(["copy", "source"], _folder.Names());
            File.Delete(_folder["copy"]);
        }
    }

    [Fact]
    public void Links_are_followed_or_kept_as_asked()
    {
        byte[] content = _folder.Write("file", 1000);
        _folder.Write("other", 2000);
        File.CreateSymbolicLink(_folder["link"], "file");
        File.CreateSymbolicLink(_folder["to"], "other");

        FileCopier.Copy(_folder["link"], _folder["copy"]);
        Assert.Null(new FileInfo(_folder["copy"]).LinkTarget);
        FileCopier.Copy(_folder["link"], _folder["kept"], new FileCopyOptions { Links = SymbolicLinks.Keep });
        Assert.Equal("file", new FileInfo(_folder["kept"]).LinkTarget);
        FileCopier.Copy(_folder["link"], _folder["copy"], new FileCopyOptions { Links = SymbolicLinks.Keep });
        Assert.Equal("file", new FileInfo(_folder["copy"]).LinkTarget);

        // A destination that is a link stays one, and what it leads to is replaced.
        foreach (bool atomic in new[] { false, true })
        {
            _folder.Write("other", 2000);
            FileCopier.Copy(_folder["file"], _folder["to"], new FileCopyOptions { Atomic = atomic });
            Assert.Equal("other", new FileInfo(_folder["to"]).LinkTarget);
            Assert.Equal(content, File.ReadAllBytes(_folder["other"]));
        }
    }

    [Fact]
    public void The_plan_writes_nothing_and_says_what_the_copy_does()
    {
        _folder.WriteSparse("source", 10 << 20, (4 << 20, 1 << 20));
        FileCopyPlan plan = FileCopier.Plan(_folder["source"], _folder["copy"]);
        Assert.Equal((10 << 20, false, false), (plan.Length, plan.DestinationExists, plan.Skips));
        Assert.Equal(["source"], _folder.Names());
        Assert.Equal(plan.SourceFileSystem, plan.DestinationFileSystem);
        Assert.NotEmpty(plan.Reason);
        FileCopyResult result = FileCopier.Copy(_folder["source"], _folder["copy"]);
        if (plan.Engine != CopyEngine.Clone)
            Assert.Equal(plan.Extents.Select(e => (e.Offset, e.Length, e.Kind, e.Engine)), result.Extents.Select(e => (e.Offset, e.Length, e.Kind, e.Engine)));
        Assert.True(FileCopier.Plan(_folder["source"], _folder["copy"], new FileCopyOptions { Existing = ExistingFile.Skip }).Skips);
        Assert.Throws<OneCopyException>(() => FileCopier.Plan(_folder["source"], _folder["copy"], new FileCopyOptions { Existing = ExistingFile.Fail }));
    }
}
