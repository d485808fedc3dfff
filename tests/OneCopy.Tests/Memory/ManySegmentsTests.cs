using Xunit;

namespace OneCopy.Tests.Memory;

public class ManySegmentsTests
{
    private const long GiB = 1L << 30;

    [Theory]
    [InlineData(1024, 1024, TransferMethod.ProcessVm)]
    [InlineData(1025, 1, TransferMethod.ProcessVm)]
    [InlineData(1, 1025, TransferMethod.ProcessVm)]
    [InlineData(1025, 1025, TransferMethod.ProcessVm)]
    [InlineData(3000, 2999, TransferMethod.ProcessVm)]
    [InlineData(1025, 1025, TransferMethod.ProcMem)]
    public void AnyNumberOfSegmentsOnBothSides(int remoteCount, int localCount, TransferMethod method)
    {
        const int Total = 60_000;
        using HeldMemory held = HeldMemory.Pages(new string('w', 16));
        using ProcessMemory memory = ProcessMemory.Open(held.Pid, method);
        RemoteSegment[] remote = [.. Cut(Total, remoteCount).Select(c => new RemoteSegment(held.Address + (nuint)c.Start, (nuint)c.Length))];
        byte[] bytes = new byte[Total];
        Memory<byte>[] local = [.. Cut(Total, localCount).Select(c => bytes.AsMemory(c.Start, c.Length))];

        Assert.Equal(Total, memory.Read(remote, local));
        Assert.Equal(HeldMemory.Pattern(0, Total), bytes);

        Array.Reverse(bytes);
        Assert.Equal(Total, memory.Write(remote, [.. local.Select(m => (ReadOnlyMemory<byte>)m)]));
        byte[] back = new byte[Total];
        memory.Read(held.Address, back);
        Assert.Equal(bytes, back);
    }

    [Theory]
    [InlineData(100, 40, 40)]
    [InlineData(40, 100, 40)]
    [InlineData(0, 100, 0)]
    [InlineData(100, 0, 0)]
    public void WhereTheSumsDifferTheSmallerOneCounts(int remoteLength, int localLength, int expected)
    {
        using HeldMemory held = HeldMemory.Pages("w");
        using ProcessMemory memory = ProcessMemory.Open(held.Pid);
        byte[] buffer = new byte[localLength];
        int half = remoteLength / 2;
        RemoteSegment[] remote =
        [
            new(held.Address, (nuint)half),
            new(held.Address, 0),
            new(held.Address + (nuint)half, (nuint)(remoteLength - half)),
        ];
        Assert.Equal(expected, memory.Read(remote, [buffer]));
        Assert.Equal(HeldMemory.Pattern(0, expected), buffer[..expected]);
        Assert.Equal(new TransferResult(expected, TransferFault.None, null), memory.ReadPartial(remote, [buffer]));
        Assert.Equal(0, memory.Read([], [buffer]));
    }

    /// <summary>
    /// The local side is one 2 MiB buffer named 1536 times, so that neither process needs 3 GiB: pages that were never touched read
    /// as zeros and cost nothing. The request is cut at 1024 segments and at 2 GiB less a page.
    /// </summary>
    [Fact]
    public void ThreeGibibytesInOneRequest()
    {
        const long Length = 3 * GiB;
        const int Piece = 2 << 20;
        using HeldMemory held = HeldMemory.Reserved(Length);
        using ProcessMemory memory = ProcessMemory.Open(held.Pid);
        memory.Write(held.Address + (nuint)(Length - 5), "mark!"u8);
        using LocalPages buffer = new(Piece / (long)HeldMemory.Page);
        LocalSegment[] local = Enumerable.Repeat(new LocalSegment(buffer.Address, Piece), (int)(Length / Piece)).ToArray();

        Assert.Equal(Length, memory.Read([new RemoteSegment(held.Address, (nuint)Length)], local));

        using ProcessMemory self = ProcessMemory.Open(Environment.ProcessId);
        byte[] end = new byte[6];
        self.Read(buffer.Address + Piece - 6, end);
        Assert.Equal("\0mark!"u8, end);
    }

    /// <summary>One segment of 3 GiB on each side: the cut is inside the segments.</summary>
    [Fact]
    public void ASegmentBeyondTheLimitOfACallIsCut()
    {
        const long Length = 3 * GiB;
        using HeldMemory held = HeldMemory.Pages("ww");
        using ProcessMemory memory = ProcessMemory.Open(held.Pid);
        TransferResult result = memory.ReadPartial([new RemoteSegment(held.Address, (nuint)Length)], [new LocalSegment(held.Address, 0)]);
        Assert.Equal(0, result.Bytes);
        using LocalPages buffer = new(2);
        result = memory.ReadPartial([new RemoteSegment(held.Address, (nuint)Length)], [new LocalSegment(buffer.Address, (nuint)Length)]);
        Assert.Equal(2 * (long)HeldMemory.Page, result.Bytes);
        Assert.NotEqual(TransferFault.None, result.Fault);
    }

    /// <summary>Cuts a length into pieces of different lengths, some of them empty.</summary>
    private static IEnumerable<(int Start, int Length)> Cut(int total, int pieces)
    {
        Random random = new(pieces);
        int[] cuts = [0, .. Enumerable.Range(0, pieces - 1).Select(_ => random.Next(total + 1)).Order(), total];
        return Enumerable.Range(0, pieces).Select(i => (cuts[i], cuts[i + 1] - cuts[i]));
    }
}
