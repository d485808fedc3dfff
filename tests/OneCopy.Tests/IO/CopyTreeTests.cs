using System.Net.Sockets;
using Xunit;

namespace OneCopy.Tests.IO;

/// <summary>Trees, compared with what cp makes of them.</summary>
public sealed class CopyTreeTests : IDisposable
{
    private readonly CopyFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static readonly FileCopyOptions s_all = new() { Preserve = FileMetadata.All };

    [Theory]
    [InlineData(1)]
    [InlineData(0)]
    [InlineData(7)]
    public void A_tree_of_everything_is_what_cp_makes_of_it(int threads)
    {
        Requires.Root();
        MakeTree();
        TreeCopyResult result = FileCopier.CopyTree(_folder["tree"], _folder["copy"], s_all with { Parallelism = threads });
        Assert.Empty(result.Failures);
        Assert.Empty(result.MetadataLost);
        CopyFolder.Run("cp", "-a", _folder["tree"], _folder["cp"]);
        Assert.Equal(Listing("cp"), Listing("copy"));
        CopyFolder.Run("diff", "-r", "--no-dereference", "-x", "pipe", _folder["tree"], _folder["copy"]);
        Assert.Equal(_folder.AllocatedBytes("tree/sparse"), _folder.AllocatedBytes("copy/sparse"));
        Assert.Equal((304, 43, 2, 3, 1), (result.Files, result.Directories, result.SymbolicLinks, result.HardLinks, result.NamedPipes));
        Assert.Equal(result.BytesCopied, result.Engines.Sum(e => e.Bytes));
        Assert.Equal("1", CopyFolder.Run("sh", "-c", $"cd {_folder["copy"]} && stat -c %i hard1 hard2 d1/hard3 d2/e/hard4 | uniq | wc -l"));
    }

    [Fact]
    public void What_cannot_be_read_or_copied_is_reported_and_all_else_is_copied()
    {
        MakeTree();
        using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(_folder["tree/d3/socket"]));
        Directory.CreateDirectory(_folder["copy"]);
        Directory.CreateDirectory(_folder["copy/d1"]);
        Directory.CreateDirectory(_folder["copy/d1/f1"]);
        File.WriteAllText(_folder["copy/d2"], "no directory");
        File.WriteAllText(_folder["copy/stays"], "here before");
        TreeCopyResult result = FileCopier.CopyTree(_folder["tree"], _folder["copy"]);
        Assert.Equal("tree/d1/f1 tree/d2 tree/d3/socket", Sorted(result.Failures.Select(f => Path.GetRelativePath(_folder.Path, f.Path))));
        Assert.Equal("EISDIR", result.Failures.Single(f => f.Path.EndsWith("f1", StringComparison.Ordinal)).Error.ErrnoName);
        Assert.Equal("here before", File.ReadAllText(_folder["copy/stays"]));
        Assert.Equal(File.ReadAllBytes(_folder["tree/d1/f2"]), File.ReadAllBytes(_folder["copy/d1/f2"]));
        Assert.Equal(304 - 1 - 5, result.Files);
    }

    [Fact]
    public void A_name_that_another_file_system_has_no_link_for_gets_a_copy_of_its_own()
    {
        Requires.Root();
        MakeTree();
        Directory.CreateDirectory(_folder["copy/d1"]);
        CopyFolder.Run("mount", "-t", "tmpfs", "tmpfs", _folder["copy/d1"]);
        try
        {
            TreeCopyResult result = FileCopier.CopyTree(_folder["tree"], _folder["copy"]);
            Assert.Empty(result.Failures);
            Assert.Equal(File.ReadAllBytes(_folder["tree/hard1"]), File.ReadAllBytes(_folder["copy/d1/hard3"]));
            Assert.Equal(File.ReadAllBytes(_folder["tree/hard1"]), File.ReadAllBytes(_folder["copy/hard2"]));
        }
        finally
        {
            CopyFolder.Run("umount", _folder["copy/d1"]);
        }
    }

    [Fact]
    public void Another_users_unreadable_file_is_reported()
    {
        Requires.Root();
        MakeTree();
        CopyFolder.Run("chmod", "755", _folder.Path);
        CopyFolder.Run("chmod", "600", _folder["tree/d1/f3"]);
        CopyFolder.Run("chmod", "700", _folder["tree/d4"]);
        CopyFolder.Run("mkdir", "-m", "777", _folder["open"]);
        using ChildProcess child = ChildProcess.Start("copy-tree-as", _folder["tree"], _folder["open/copy"], "12345");
        List<string> failed = [];
        while (child.ReadLine() is string line && line is not "end")
            failed.Add(line);
        child.Finish();
        Assert.Equal("d1/f3 EACCES d4 EACCES d8/f1 EACCES", Sorted(failed));
        Assert.Equal(File.ReadAllBytes(_folder["tree/d1/f2"]), File.ReadAllBytes(_folder["open/copy/d1/f2"]));
        Assert.Equal(12345u, _folder.StatusOf("open/copy/d1/f2").stx_uid);
    }

    [Fact]
    public void A_second_copy_replaces_skips_or_fails_as_asked()
    {
        MakeTree();
        FileCopier.CopyTree(_folder["tree"], _folder["copy"]);
        string before = Listing("copy");
        TreeCopyResult again = FileCopier.CopyTree(_folder["tree"], _folder["copy"], new FileCopyOptions { Atomic = true });
        Assert.Empty(again.Failures);
        Assert.Equal(before, Listing("copy"));
        TreeCopyResult skipped = FileCopier.CopyTree(_folder["tree"], _folder["copy"], new FileCopyOptions { Existing = ExistingFile.Skip });
        Assert.Equal((0L, 0L), (skipped.Files, skipped.HardLinks));
        Assert.Equal(304 + 3 + 2 + 1, skipped.Skipped);
        TreeCopyResult failed = FileCopier.CopyTree(_folder["tree"], _folder["copy"], new FileCopyOptions { Existing = ExistingFile.Fail });
        Assert.Equal(304 + 3 + 2 + 1, failed.Failures.Count);
        Assert.Equal(before, Listing("copy"));
    }

    [Fact]
    public void Links_are_followed_where_that_is_asked_for_and_their_circles_end()
    {
        MakeTree();
        Directory.CreateSymbolicLink(_folder["tree/d5/circle"], "..");
        Directory.CreateSymbolicLink(_folder["tree/d6/other"], "../d7");
        TreeCopyResult result = FileCopier.CopyTree(_folder["tree"], _folder["copy"], new FileCopyOptions { Links = SymbolicLinks.Follow });
        Assert.Equal("ELOOP ENOENT", Sorted(result.Failures.Select(f => f.Error.ErrnoName!)));
        Assert.Equal(0, result.SymbolicLinks);
        Assert.Equal(File.ReadAllBytes(_folder["tree/d7/f7"]), File.ReadAllBytes(_folder["copy/d6/other/f7"]));
        Assert.Null(new FileInfo(_folder["copy/link"]).LinkTarget);
    }

    [Fact]
    public void A_tree_is_not_copied_into_itself()
    {
        MakeTree();
        File.CreateSymbolicLink(_folder["alias"], "tree");
        foreach (string to in new[] { "tree", "tree/d1", "tree/d1/new", "alias/new", "alias" })
        {
            OneCopyException e = Assert.Throws<OneCopyException>(() => FileCopier.CopyTree(_folder["tree"], _folder[to]));
            Assert.Contains("lies in it", e.Message, StringComparison.Ordinal);
        }
        Assert.False(Directory.Exists(_folder["tree/d1/new"]));
        Assert.Contains("no directory", Assert.Throws<OneCopyException>(() => FileCopier.CopyTree(_folder["tree/f"], _folder["x"])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_cancelled_tree_ends_and_closes_what_it_opened()
    {
        MakeTree();
        for (int i = 0; i < 20; i++)
        {
            using CancellationTokenSource cancel = new();
            int steps = 0;
            Told canceller = new(_ =>
            {
                if (++steps == 10 * (i + 1))
                    cancel.Cancel();
            });
            Assert.ThrowsAny<OperationCanceledException>(
                () => FileCopier.CopyTree(_folder["tree"], _folder[$"copy{i}"], new FileCopyOptions { Parallelism = 3 }, canceller, cancel.Token));
        }
        FileCopyProgress last = default;
        TreeCopyResult result = FileCopier.CopyTree(_folder["tree"], _folder["copy"], progress: new Told(p => last = p));
        Assert.Equal((result.Files, result.BytesCopied + result.HoleBytes), (last.Files, last.Bytes));
        Assert.Equal(0, _folder.OpenDescriptors());
    }

    [Fact]
    public void Names_that_are_no_utf8_are_copied_as_they_are()
    {
        Directory.CreateDirectory(_folder["tree"]);
        CopyFolder.Run("sh", "-c", $"cd {_folder["tree"]} && mkdir \"$(printf 'd\\377\\376')\" && echo a > \"$(printf 'd\\377\\376/f\\351')\" && ln \"$(printf 'd\\377\\376/f\\351')\" \"$(printf 'g\\200')\"");
        Assert.Empty(FileCopier.CopyTree(_folder["tree"], _folder["copy"]).Failures);
        Assert.Equal(CopyFolder.Run("sh", "-c", $"cd {_folder["tree"]} && find . | LC_ALL=C sort | od -c"), CopyFolder.Run("sh", "-c", $"cd {_folder["copy"]} && find . | LC_ALL=C sort | od -c"));
    }

    [Fact]
    public void A_copy_made_durable_or_compared_is_the_same()
    {
        Directory.CreateDirectory(_folder["tree/in"]);
        for (int i = 0; i < 5; i++)
            _folder.Write($"tree/in/{i}", i * 100_000);
        foreach (bool atomic in new[] { false, true })
        {
            TreeCopyResult result = FileCopier.CopyTree(_folder["tree"], _folder[$"copy{atomic}"], s_all with { Durability = CopyDurability.Full, Verify = true, Atomic = atomic });
            Assert.Empty(result.Failures);
            Assert.Equal(Listing("tree"), Listing($"copy{atomic}"));
        }
    }

    private static string Sorted(IEnumerable<string> words) => string.Join(' ', words.Order(StringComparer.Ordinal));

    /// <summary>304 files of their own, 43 directories, 3 further names of one, two symbolic links, a named pipe.</summary>
    private void MakeTree()
    {
        Directory.CreateDirectory(_folder["tree"]);
        for (int d = 0; d < 40; d++)
        {
            Directory.CreateDirectory(_folder[$"tree/d{d}"]);
            for (int f = 0; f < 5; f++)
                _folder.Write($"tree/d{d}/f{f}", f * 777 * d % 300_000);
        }
        _folder.Write("tree/d7/f7", 5);
        Directory.CreateDirectory(_folder["tree/many"]);
        for (int f = 0; f < 100; f++)
            _folder.Write($"tree/many/f{f}", f);
        Directory.CreateDirectory(_folder["tree/d2/e"]);
        _folder.Write("tree/f", 400_000);
        _folder.WriteSparse("tree/sparse", 10 << 20, (5 << 20, 10));
        _folder.Write("tree/hard1", 1234);
        foreach (string name in new[] { "hard2", "d1/hard3", "d2/e/hard4" })
            CopyFolder.Run("ln", _folder["tree/hard1"], _folder[$"tree/{name}"]);
        File.CreateSymbolicLink(_folder["tree/link"], "f");
        File.CreateSymbolicLink(_folder["tree/d3/dangling"], "nowhere");
        CopyFolder.Run("mkfifo", "-m", "640", _folder["tree/pipe"]);
        CopyFolder.Run("sh", "-c", $"cd {_folder["tree"]} && chmod 555 d8 && chmod 400 d8/f1 && touch -d '2001-02-03 04:05:06.7' d9 f d10/f1 && touch -h -d '2003-01-01' link");
    }

    /// <summary>Names, kinds, modes, owners, lengths, link counts, targets and times of modification.</summary>
    private string Listing(string tree) => CopyFolder.Run(
        "sh", "-c", $"cd {_folder[tree]} && find . -printf '%P %y %m %U %G %n %l %T@ ' \\( -type d -printf '\\n' -o -printf '%s\\n' \\) | LC_ALL=C sort");
}
