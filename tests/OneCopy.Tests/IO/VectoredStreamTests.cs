using System.Globalization;
using System.Net.Sockets;
using OneCopy.Interop;
using OneCopy.Memory;
using Xunit;

namespace OneCopy.Tests.IO;

/// <summary>readv(2) and writev(2) on what has no offsets: pipes, sockets and terminals, blocking and not.</summary>
public sealed class VectoredStreamTests
{
    private static readonly TimeSpan s_bound = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_pipe_hands_on_what_it_has(bool nonBlocking)
    {
        using TestPipe pipe = new(nonBlocking);
        Assert.Equal(5, VectoredIO.Write(pipe.Writer, ["ab"u8, [], "cde"u8]));
        byte[] a = new byte[1];
        byte[] b = new byte[9];
        Assert.Equal(5, VectoredIO.Read(pipe.Reader, [a, b]));
        Assert.Equal(("a", "bcde"), (Text(a), Text(b[..4])));
        Assert.False(VectoredIO.TryRead(pipe.Reader, b, out long none));
        Assert.Equal(0, none);
        VectoredIO.WriteAll(pipe.Writer, "xyz"u8);
        pipe.Writer.Dispose();
        ShortReadException e = Assert.Throws<ShortReadException>(() => VectoredIO.ReadExactly(pipe.Reader, [a, b]));
        Assert.Equal(3, e.BytesTransferred);
        Assert.Equal(0, VectoredIO.Read(pipe.Reader, [a, b]));
        Assert.True(VectoredIO.TryRead(pipe.Reader, b, out long end));
        Assert.Equal(0, end);
    }

    /// <summary>"Would wait" is the answer of one call, not of the request: somebody else may have read what was there first.</summary>
    [Fact]
    public unsafe void A_request_that_would_have_waited_goes_on_later()
    {
        using TestPipe pipe = new(nonBlocking: true);
        byte target;
        iovec segment = new((nuint)(&target), 1);
        VectoredRequest request = VectoredRequest.Begin(TransferDirection.Read, pipe.Reader, VectoredRequest.AtPosition, VectoredFlags.None, VectoredFallback.None);
        request.EndsWhereItWouldWait = true;
        Assert.Equal((0, true), (request.Move(new(ref segment), all: false), request.WouldWait));
        VectoredIO.WriteAll(pipe.Writer, "x"u8);
        Assert.Equal((1, false), (request.Move(new(ref segment), all: false), request.WouldWait));
        request.End();
    }

    [Fact]
    public void A_full_pipe_takes_a_part_and_then_nothing()
    {
        using TestPipe pipe = new(nonBlocking: true);
        byte[] big = TestFile.Pattern(1 << 20);
        long taken = VectoredIO.Write(pipe.Writer, [big.AsSpan(0, 100), big.AsSpan(100)]);
        Assert.InRange(taken, 4096, big.Length - 1);
        Assert.False(VectoredIO.TryWrite(pipe.Writer, big, out long none, fallback: VectoredFallback.None));
        Assert.Equal(0, none);
        VectoredIOException e = Assert.Throws<VectoredIOException>(() => VectoredIO.WriteAll(pipe.Writer, big, VectoredFlags.NoWait));
        Assert.Equal(("EAGAIN", true), (e.ErrnoName, e.IsTransient));
        byte[] back = new byte[taken];
        VectoredIO.ReadExactly(pipe.Reader, back);
        Assert.Equal(big[..(int)taken], back);
    }

    /// <summary>The reader and the writer wait for each other, in poll(2) where the ends are non-blocking.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task More_than_a_pipe_holds_goes_through_it(bool nonBlocking)
    {
        using TestPipe pipe = new(nonBlocking);
        byte[] bytes = TestFile.Pattern(3_000_000);
        Task writing = Task.Run(() => VectoredIO.WriteAll(pipe.Writer, [.. Enumerable.Range(0, 3000).Select(i => (ReadOnlyMemory<byte>)bytes.AsMemory(i * 1000, 1000))]), Ct);
        byte[] back = new byte[bytes.Length];
        await Task.Run(() => VectoredIO.ReadExactly(pipe.Reader, [back.AsSpan(0, 1_234_567), back.AsSpan(1_234_567)]), Ct).WaitAsync(s_bound, Ct);
        await writing.WaitAsync(s_bound, Ct);
        Assert.Equal(bytes, back);
    }

    [Fact]
    public void Sockets_gather_and_scatter()
    {
        using TestSockets stream = new();
        VectoredIO.WriteAll(stream.One, ["head"u8, "body"u8]);
        byte[] a = new byte[3];
        byte[] b = new byte[5];
        VectoredIO.ReadExactly(stream.Other, [a, b]);
        Assert.Equal(("hea", "dbody"), (Text(a), Text(b)));

        // A datagram is one call.
        using TestSockets datagrams = new(datagrams: true);
        VectoredIO.WriteAll(datagrams.One, ["one "u8, "packet"u8]);
        VectoredIO.WriteAll(datagrams.One, ["another"u8]);
        Assert.Equal(8, VectoredIO.Read(datagrams.Other, [a, b])); // The rest of it is lost: recv(2).
        Assert.Equal(7, VectoredIO.Read(datagrams.Other, [a, b]));
        Assert.Equal(("ano", "ther"), (Text(a), Text(b[..4])));
    }

    [Fact]
    public void A_time_out_of_the_socket_is_an_error_and_not_a_wait()
    {
        using TestSockets sockets = new();
        sockets.OneAsSocket.ReceiveTimeout = 20;
        VectoredIOException e = Assert.Throws<VectoredIOException>(() => VectoredIO.Read(sockets.One, new byte[1]));
        Assert.Equal("EAGAIN", e.ErrnoName);
        Assert.Contains("time-out", e.Message, StringComparison.Ordinal);
    }

    /// <summary>.NET makes a socket non-blocking when it is used asynchronously; its reads and writes wait all the same.</summary>
    [Fact]
    public async Task A_non_blocking_socket_is_waited_for()
    {
        using TestSockets sockets = new();
        Task<int> pending = sockets.OneAsSocket.ReceiveAsync(new byte[1], SocketFlags.None);
        VectoredIO.WriteAll(sockets.Other, "x"u8);
        Assert.Equal(1, await pending.WaitAsync(s_bound, Ct));
        byte[] back = new byte[6];
        Task reading = Task.Run(() => VectoredIO.ReadExactly(sockets.One, [back.AsSpan(0, 3), back.AsSpan(3)]), Ct);
        VectoredIO.WriteAll(sockets.Other, "abc"u8);
        VectoredIO.WriteAll(sockets.Other, "def"u8);
        await reading.WaitAsync(s_bound, Ct);
        Assert.Equal("abcdef", Text(back));
    }

    /// <summary>A terminal knows no NoWait: it is waited for and then read.</summary>
    [Fact]
    public void A_terminal()
    {
        Requires.Program("script", "--version");
        string command = $"stty raw -echo; exec '{DotnetHost.Path}' '{ChildProcess.TestProcessPath}' vectored-terminal";
        using ChildProcess child = ChildProcess.StartProgram("script", "-qec", command, "/dev/null");
        Assert.Equal("terminal HighPriority, DataSync, Sync, Append", child.ReadLine().Trim().Replace(", NoAppend", "", StringComparison.Ordinal));
        child.WriteLine("one");
        Assert.Equal("4: one", child.ReadLine().Trim());
        child.WriteLine("two");
        Assert.Equal("4: two", child.ReadLine().Trim());
    }

    /// <summary>A process that is stopped and continued finds epoll_wait(2) broken with EINTR (signal(7)).</summary>
    [Fact]
    public void A_wait_goes_on_after_the_process_was_stopped()
    {
        using ChildProcess child = ChildProcess.Start("vectored-input", "6");
        Assert.Equal("waiting", child.ReadLine());
        Signal("-STOP");
        Eventually.True(() => State() == 'T', "the process is stopped");
        Signal("-CONT");
        Eventually.True(() => State() != 'T', "the process runs");
        child.WriteLine("hello");
        Assert.Equal("6: hello", child.ReadLine());
        child.Finish();

        void Signal(string signal)
        {
            using ChildProcess kill = ChildProcess.StartProgram("kill", signal, child.Pid.ToString(CultureInfo.InvariantCulture));
            kill.Finish();
        }

        char State() => File.ReadAllText($"/proc/{child.Pid}/stat").Split(") ")[^1][0];
    }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private static string Text(ReadOnlySpan<byte> bytes) => System.Text.Encoding.ASCII.GetString(bytes);
}
