using System.Globalization;
using OneCopy.Interop;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>A queue is its user's alone, or a group's: with real processes of three users, two of them members of one group.</summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class QueueAccessTests : IDisposable
{
    private const string Alice = "user=60011";
    private const string Bob = "user=60012";
    private const string Carol = "user=60013";
    private const UnixFileMode OfGroup = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;
    private const UnixFileMode OfOwner = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(10);

    // A number that no other run of the tests has at the same time, for the name of the default root has it.
    private static readonly uint s_group = 70_000 + (uint)Environment.ProcessId;
    private static readonly string s_groupText = s_group.ToString(CultureInfo.InvariantCulture);
    private static readonly string s_member = $"member={s_groupText}";
    private readonly TestRoot _root = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _root.Dispose();

    [Fact]
    public async Task Users_of_a_group_send_each_other_messages_and_a_user_outside_it_is_refused()
    {
        Requires.Root();
        using ChildProcess alice = StartWithUmask("077", s_member, "group=60021", Alice);
        Assert.Equal("open", await alice.ReadLineAsync());
        using ChildProcess bob = StartWithUmask("077", s_member, "group=60022", Bob);
        Assert.Equal("open", await bob.ReadLineAsync());
        AssertShared(Path.Combine(_root.Path, "q"), 3);
        foreach ((ChildProcess sender, ChildProcess receiver, string uid) in new[] { (alice, bob, "60011"), (bob, alice, "60012") })
        {
            foreach ((string what, string lane) in new[] { ("send 3", "Inline"), ("send 100000", "Arena") })
            {
                Assert.Equal("sent", await Say(sender, what));
                Assert.Equal($"got {what[5..]} ok {lane} 1 of {uid}", await Say(receiver, "receive"));
            }

            // Never by reading the other's memory.
            Assert.Equal("attached", await Say(sender, "attach 1000000"));
            Assert.Equal($"got 1000000 ok Arena 1 of {uid}", await Say(receiver, "receive"));
            Assert.Equal("completed", await Say(sender, "attached"));
        }

        // Dead letters are theirs too: put there by one, sent again by the other.
        Assert.Equal("sent", await Say(alice, "send 10"));
        Assert.Equal("dead", await Say(bob, "dead-letter"));
        AssertShared(Path.Combine(_root.Path, "q.dead"), 2);
        Assert.Equal("replayed 1", await Say(alice, "replay"));
        Assert.Equal("got 10 ok Inline 1 of 60011", await Say(bob, "receive"));

        using ChildProcess carol = ChildProcess.Start("queue-act", "group=60023", Carol, _root.Path, "q", "-");
        Assert.StartsWith("refused EACCES ", await carol.ReadLineAsync(), StringComparison.Ordinal);
        alice.Finish();
        bob.Finish();
    }

    [Fact]
    public async Task A_killed_process_is_recovered_by_another_user_of_its_group_and_its_files_go()
    {
        Requires.Root();
        using ChildProcess alice = StartWithUmask("077", s_member, "group=60021", Alice);
        Assert.Equal("open", await alice.ReadLineAsync());
        using (ChildProcess bob = StartWithUmask("077", s_member, "group=60022", Bob))
        {
            Assert.Equal("open", await bob.ReadLineAsync());
            Assert.Equal("sent", await Say(bob, "send 5"));
            Assert.Equal("holding", await Say(bob, "hold"));
            bob.Kill();
        }

        Assert.Equal("got 5 ok Inline 2 of 60012", await Say(alice, "receive"));
        Eventually.True(() => Inside.FilesOf(Path.Combine(_root.Path, "q")).Length == 2, "the killed one's file is gone");

        // The same if nobody is left who sees it: by the next who joins.
        using (ChildProcess bob = StartWithUmask("077", s_member, "group=60022", Bob))
        {
            Assert.Equal("open", await bob.ReadLineAsync());
            bob.Kill();
        }

        alice.Kill();
        using ChildProcess again = StartWithUmask("077", s_member, "group=60022", Bob);
        Assert.Equal("open", await again.ReadLineAsync());

        // Its thread that watches the others may have taken them from the one that joins, and be at it yet.
        Eventually.True(() => Inside.FilesOf(Path.Combine(_root.Path, "q")).Length == 2, "the files of both are gone");
        again.Finish();
    }

    [Fact]
    public async Task Without_a_root_the_group_has_one_of_its_own()
    {
        Requires.Root();
        string root = QueueAccess.Group(s_group).DefaultRoot;
        try
        {
            using ChildProcess alice = Start("-", s_groupText, s_member, "group=60021", Alice);
            Assert.Equal("open", await alice.ReadLineAsync());
            using ChildProcess bob = Start("-", s_groupText, s_member, "group=60022", Bob);
            Assert.Equal("open", await bob.ReadLineAsync());
            Assert.Equal("sent", await Say(alice, "send 3"));
            Assert.Equal("got 3 ok Inline 1 of 60011", await Say(bob, "receive"));
            Assert.Equal(s_group, StatusOf(root).stx_gid);
            Assert.Equal(["q"], MessageQueue.List(root));
            using ChildProcess carol = Start(root, "-", "group=60023", Carol);
            Assert.StartsWith("refused EACCES ", await carol.ReadLineAsync(), StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    [Theory]
    [InlineData("of another group")]
    [InlineData("open to all")]
    [InlineData("a link")]
    public void A_default_root_that_somebody_else_made_is_refused(string how)
    {
        Requires.Root();
        QueueAccess access = QueueAccess.Group(s_group + 100_000);
        try
        {
            if (how is "a link")
                File.CreateSymbolicLink(access.DefaultRoot, Directory.CreateDirectory(_root.Path).FullName);
            else
                Share(Directory.CreateDirectory(access.DefaultRoot).FullName, how is "open to all" ? access.GroupId : 60023, how is "open to all" ? 0x5FFu : 0x5F8u);
            OneCopyException refused = Assert.Throws<OneCopyException>(() => MessageQueue.Open("q", new QueueOptions { Access = access }));
            Assert.Contains("somebody else may have made it", refused.Message, StringComparison.Ordinal);
            Assert.Throws<OneCopyException>(() => MessageQueue.TryOpen("q", out _, new QueueOptions { Access = access }));
        }
        finally
        {
            if (how is "a link")
                File.Delete(access.DefaultRoot);
            else
                Directory.Delete(access.DefaultRoot);
        }
    }

    [Fact]
    public async Task Who_is_not_a_member_cannot_share_with_a_group()
    {
        Requires.Root();
        using ChildProcess carol = Start(_root.Path, s_groupText, "group=60023", Carol);
        string refused = await carol.ReadLineAsync();
        Assert.StartsWith("refused EPERM ", refused, StringComparison.Ordinal);
        Assert.Contains($"Only a member of group {s_groupText}", refused, StringComparison.Ordinal);
        carol.Finish();
        Assert.False(Directory.Exists(_root.Path));
        Assert.DoesNotContain(Directory.GetDirectories("/dev/shm", ".t-*"), d => StatusOf(d).stx_uid == 60013);
    }

    [Fact]
    public void A_group_that_does_not_exist_and_a_root_that_does_not_let_it_in_are_refused()
    {
        Assert.Contains("no group \"no-such-group\"", Assert.Throws<OneCopyException>(() => QueueAccess.Group("no-such-group")).Message, StringComparison.Ordinal);
        Assert.Equal(0u, QueueAccess.Group("root").GroupId);
        QueueAccess own = QueueAccess.Group(Prctl.getegid());
        string mine = $"/dev/shm/onecopy-{Prctl.geteuid()}";
        OneCopyException alone = Assert.Throws<OneCopyException>(() => MessageQueue.Open("q", new QueueOptions { Root = mine, Access = own }));
        Assert.Contains("this user's alone", alone.Message, StringComparison.Ordinal);
        Directory.CreateDirectory(_root.Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        OneCopyException closed = Assert.Throws<OneCopyException>(() => _root.Open(options: new QueueOptions { Access = own }));
        Assert.Contains("does not let group", closed.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(_root.Path));
    }

    [Fact]
    public async Task A_queue_without_a_group_is_its_users_alone_whatever_the_umask()
    {
        using ChildProcess child = ChildProcess.StartProgram("sh", "-c", "umask 000; exec \"$0\" \"$@\"", DotnetHost.Path, ChildProcess.TestProcessPath, "queue-act", _root.Path, "q", "-");
        Assert.Equal("open", await child.ReadLineAsync());
        string directory = Path.Combine(_root.Path, "q");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(directory));
        Assert.All(Directory.GetFiles(directory), f => Assert.Equal(OfOwner, File.GetUnixFileMode(f)));
        child.Finish();
    }

    [Fact]
    public void The_dead_letters_of_a_group_are_the_groups_also_if_their_queue_is_made_by_its_name()
    {
        QueueOptions shared = new() { Access = QueueAccess.Group(Prctl.getegid()) };
        using MessageQueue queue = _root.Open(options: shared);
        using (_root.Open(queue.DeadLetterQueueName))
        {
        }

        using MessageQueue joined = _root.Open();
        Assert.All(new[] { queue.Path, queue.Path + ".dead" }, d => Assert.True(File.GetUnixFileMode(d).HasFlag(UnixFileMode.SetGroup | UnixFileMode.GroupWrite)));
        Assert.All([.. Directory.GetFiles(queue.Path), .. Directory.GetFiles(queue.Path + ".dead")], f => Assert.Equal(OfGroup, File.GetUnixFileMode(f)));

        // A directory that a creator left private, without a ring, becomes what is asked for.
        Directory.CreateDirectory(Path.Combine(_root.Path, "left"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        using MessageQueue left = _root.Open("left", shared);
        Assert.All(Directory.GetFiles(left.Path), f => Assert.Equal(OfGroup, File.GetUnixFileMode(f)));
        Assert.True(File.GetUnixFileMode(left.Path).HasFlag(UnixFileMode.GroupWrite));
    }

    [Fact]
    public async Task A_member_deletes_a_queue_that_another_made()
    {
        Requires.Root();
        using (ChildProcess alice = StartWithUmask("077", s_member, "group=60021", Alice))
        {
            Assert.Equal("open", await alice.ReadLineAsync());
            Assert.Equal("sent", await Say(alice, "send 3"));
            alice.Finish();
        }

        using ChildProcess bob = StartWithUmask("077", s_member, "group=60022", Bob);
        Assert.Equal("open", await bob.ReadLineAsync());
        Assert.Equal("closed", await Say(bob, "close"));
        Assert.Equal("True", await Say(bob, $"delete {_root.Path} q"));
        Assert.False(Directory.Exists(Path.Combine(_root.Path, "q")));
        bob.Finish();
    }

    private ChildProcess StartWithUmask(string umask, params string[] steps) => ChildProcess.StartProgram(
        "sh", ["-c", $"umask {umask}; exec \"$0\" \"$@\"", DotnetHost.Path, ChildProcess.TestProcessPath, "queue-act", .. steps, _root.Path, "q", s_groupText]);

    private static ChildProcess Start(string root, string group, params string[] steps) => ChildProcess.Start("queue-act", [.. steps, root, "q", group]);

    private static Task<string> Say(ChildProcess child, string line)
    {
        child.WriteLine(line);
        return child.ReadLineAsync();
    }

    private static void AssertShared(string directory, int files)
    {
        Assert.Equal((0x400u | 0x1F8u, s_group), (StatusOf(directory).stx_mode & 0xFFFu, StatusOf(directory).stx_gid));
        Assert.Equal(files, Directory.GetFiles(directory).Length);
        Assert.All(Directory.GetFiles(directory), f => Assert.Equal((OfGroup, s_group), (File.GetUnixFileMode(f), StatusOf(f).stx_gid)));
    }

    private static statx StatusOf(string path)
    {
        Stat.Of(path, out statx s, followLinks: false).OrThrow("statx", path);
        return s;
    }

    private static void Share(string directory, uint group, uint mode)
    {
        using Microsoft.Win32.SafeHandles.SafeFileHandle opened = SafeFd.Open(directory, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY);
        Permissions.fchown(opened.Fd(), Permissions.Unchanged, group).OrThrow("chown", directory);
        Permissions.fchmod(opened.Fd(), mode).OrThrow("chmod", directory);
    }
}
