using System.Globalization;
using OneCopy.Messaging;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>A participant with rights over other processes is shown a file that names a third one: it does not touch that process.</summary>
public sealed class ConfusedDeputyTests : IDisposable
{
    private const uint Stranger = 12345;
    private readonly TestRoot _root = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _root.Dispose();

    [Theory]
    [InlineData("a process of another user")]
    [InlineData("a process of root, in a file of another user")]
    [InlineData("a process of root, in a file that others may write")]
    public async Task No_memory_of_the_process_that_a_forged_file_names_is_read(string named)
    {
        Requires.Root();
        Requires.Program("strace");
        using ChildProcess third = named.StartsWith("a process of another", StringComparison.Ordinal)
            ? ChildProcess.Start("hold", $"group={Stranger}", $"user={Stranger}", "pages=ww")
            : ChildProcess.Start("hold", "pages=ww");
        long secret = long.Parse(await third.ReadLineAsync(), CultureInfo.InvariantCulture);
        using ChildProcess sender = ChildProcess.Start("queue-attach", _root.Path, "q", "100000");
        Assert.Equal("sending", await sender.ReadLineAsync());
        await Forge(Directory.GetFiles(Path.Combine(_root.Path, "q"), "p1-*")[0], named, third.Pid, secret);

        string trace = Path.Combine(_root.Path, "trace");
        using ChildProcess receiver = ChildProcess.StartProgram(
            "strace", "-f", "-e", "trace=process_vm_readv,process_vm_writev,flock", "-o", trace, DotnetHost.Path, ChildProcess.TestProcessPath, "queue-receive", _root.Path, "q", "1");
        Assert.Equal("ready", await receiver.ReadLineAsync(TimeSpan.FromMinutes(1)));

        // The sender is honest, and moves the payload into its arena when it is asked to.
        Assert.Equal("got 100000 Arena ok 1", await receiver.ReadLineAsync(TimeSpan.FromMinutes(1)));
        Assert.Equal("completed", await sender.ReadLineAsync());
        receiver.Finish(TimeSpan.FromMinutes(1));
        string[] calls = await File.ReadAllLinesAsync(trace, Ct);
        Assert.Contains(calls, c => c.Contains("flock(", StringComparison.Ordinal));

        // It may have read its own memory, to find out whether the call is permitted at all.
        Assert.DoesNotContain(calls, c => c.Contains($"process_vm_readv({third.Pid},", StringComparison.Ordinal) || c.Contains($"process_vm_writev({third.Pid},", StringComparison.Ordinal));
        Assert.DoesNotContain(calls, c => c.Contains($"process_vm_readv({sender.Pid},", StringComparison.Ordinal));
    }

    /// <summary>The third process's number, and as the nonce bytes that are there: all that a pull looks at is right.</summary>
    private static async Task Forge(string file, string named, int pid, long secret)
    {
        byte[] nonce = new byte[ParticipantLayout.NonceLength];
        await using (FileStream memory = new($"/proc/{pid}/mem", FileMode.Open, FileAccess.Read))
        {
            memory.Position = secret;
            await memory.ReadExactlyAsync(nonce, Ct);
        }

        Inside.Overwrite(file, ParticipantLayout.PidOffset, BitConverter.GetBytes(pid));
        Inside.Overwrite(file, ParticipantLayout.NonceAddressOffset, BitConverter.GetBytes(secret));
        Inside.Overwrite(file, ParticipantLayout.NonceOffset, nonce);
        if (named.Contains("of another user", StringComparison.Ordinal) && named.Contains("root", StringComparison.Ordinal))
        {
            using ChildProcess chown = ChildProcess.StartProgram("chown", Stranger.ToString(CultureInfo.InvariantCulture), file);
            chown.Finish();
        }

        if (named.Contains("others may write", StringComparison.Ordinal))
        {
            using ChildProcess chmod = ChildProcess.StartProgram("chmod", "g+rw", file);
            chmod.Finish();
        }
    }
}
