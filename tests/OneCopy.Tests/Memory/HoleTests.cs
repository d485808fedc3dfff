using Xunit;

namespace OneCopy.Tests.Memory;

/// <summary>Transfers that meet memory which is not there or not permitted; over both ways, since the outcomes must be the same.</summary>
public class HoleTests
{
    private static nuint Page => HeldMemory.Page;

    [Theory]
    [InlineData(TransferMethod.ProcessVm, "www-wwww")]
    [InlineData(TransferMethod.ProcessVm, "wwwnwwww")]
    [InlineData(TransferMethod.ProcMem, "www-wwww")]
    [InlineData(TransferMethod.ProcMem, "wwwnwwww")]
    public void AReadEndsAtTheHole(TransferMethod method, string layout)
    {
        using HeldMemory held = HeldMemory.Pages(layout);
        using ProcessMemory memory = ProcessMemory.Open(held.Pid, method);
        byte[] buffer = new byte[8 * Page];
        nuint hole = held.Address + (3 * Page);

        Assert.False(memory.TryRead(held.Address + 100, buffer, out int read));
        Assert.Equal((3 * (int)Page) - 100, read);
        Assert.Equal(HeldMemory.Pattern(100, read), buffer[..read]);
        Assert.Equal(new TransferResult(read, TransferFault.Remote, hole), memory.ReadPartial(held.Address + 100, buffer));
        Assert.Equal(new TransferResult(0, TransferFault.Remote, hole), memory.ReadPartial(hole, buffer));
        Assert.Equal(read, memory.Read([new RemoteSegment(held.Address + 100, 8 * Page)], [buffer]));

        ProcessMemoryException e = Assert.Throws<ProcessMemoryException>(() => memory.Read(held.Address + 100, buffer));
        Assert.Equal(hole, e.Address);
        Assert.Equal(read, e.BytesTransferred);
        Assert.Equal("EFAULT", e.ErrnoName);
        Assert.Contains($"address 0x{hole:x} of process {held.Pid}, after {read} of {buffer.Length} bytes", e.Message, StringComparison.Ordinal);
        Assert.Throws<ProcessMemoryException>(() => memory.Read([new RemoteSegment(hole, 1)], [buffer]));

        // Behind the hole everything is as before it.
        memory.Read(hole + Page, buffer.AsSpan(0, 4 * (int)Page));
        Assert.Equal(HeldMemory.Pattern(4 * (long)Page, 4 * (long)Page), buffer[..(4 * (int)Page)]);
    }

    [Theory]
    [InlineData(TransferMethod.ProcessVm)]
    [InlineData(TransferMethod.ProcMem)]
    public void AWriteEndsAtTheReadOnlyPage(TransferMethod method)
    {
        using HeldMemory held = HeldMemory.Pages("wwrw");
        using ProcessMemory memory = ProcessMemory.Open(held.Pid, method);
        byte[] zeros = new byte[4 * Page];
        nuint hole = held.Address + (2 * Page);

        Assert.False(memory.TryWrite(held.Address, zeros, out int written));
        Assert.Equal(2 * (int)Page, written);
        Assert.Equal(new TransferResult(0, TransferFault.Remote, hole), memory.WritePartial(hole, zeros));
        ProcessMemoryException e = Assert.Throws<ProcessMemoryException>(() => memory.Write(hole, zeros));
        Assert.Equal(hole, e.Address);

        byte[] back = new byte[4 * Page];
        memory.Read(held.Address, back);
        Assert.Equal(zeros[..written], back[..written]);
        Assert.Equal(HeldMemory.Pattern(written, 2 * (long)Page), back[written..]);
    }

    [Theory]
    [InlineData(TransferMethod.ProcessVm)]
    [InlineData(TransferMethod.ProcMem)]
    public void AHoleInTheMiddleOfManySegmentsIsNamed(TransferMethod method)
    {
        using HeldMemory held = HeldMemory.Pages("ww-w");
        using ProcessMemory memory = ProcessMemory.Open(held.Pid, method);
        byte[] first = new byte[150];
        byte[] second = new byte[10_000];

        // 100 bytes, then 200 of which the last 50 are in the hole, then 100 that are never reached.
        nuint hole = held.Address + (2 * Page);
        TransferResult result = memory.ReadPartial(
            [new RemoteSegment(held.Address, 100), new RemoteSegment(hole - 150, 200), new RemoteSegment(held.Address, 100)],
            [first, second]);

        Assert.Equal(new TransferResult(250, TransferFault.Remote, hole), result);
        Assert.Equal(HeldMemory.Pattern(0, 100), first[..100]);
        Assert.Equal(HeldMemory.Pattern((2 * (long)Page) - 150, 50), first[100..]);
        Assert.Equal(HeldMemory.Pattern((2 * (long)Page) - 100, 100), second[..100]);
        Assert.True(second.AsSpan(100).IndexOfAnyExcept((byte)0) < 0, "Bytes were written behind the end of what arrived.");
    }

    [Theory]
    [InlineData(TransferMethod.ProcessVm)]
    [InlineData(TransferMethod.ProcMem)]
    public void AHoleOnThisSideIsToldApart(TransferMethod method)
    {
        using HeldMemory held = HeldMemory.Pages("www");
        using LocalPages local = new(2);
        using ProcessMemory memory = ProcessMemory.Open(held.Pid, method);
        local.Forbid(1);

        TransferResult read = memory.ReadPartial([new RemoteSegment(held.Address, 3 * Page)], [new LocalSegment(local.Address, 2 * Page)]);
        Assert.Equal(new TransferResult((long)Page, TransferFault.Local, local.Address + Page), read);

        TransferResult written = memory.WritePartial([new RemoteSegment(held.Address, 3 * Page)], [new LocalSegment(local.Address, 2 * Page)]);
        Assert.Equal(new TransferResult((long)Page, TransferFault.Local, local.Address + Page), written);
        ProcessMemoryException e = Assert.Throws<ProcessMemoryException>(
            () => memory.Read([new RemoteSegment(held.Address, 1)], [new LocalSegment(local.Address + Page, 1)]));
        Assert.Contains("in this process", e.Message, StringComparison.Ordinal);

        // An address that no user memory can have is refused by the kernel before it copies anything.
        nuint beyond = nuint.MaxValue - (2 * Page);
        TransferResult kernel = memory.ReadPartial(
            [new RemoteSegment(held.Address, 3 * Page)], [new LocalSegment(local.Address, 10), new LocalSegment(beyond, 10)]);
        Assert.Equal(new TransferResult(10, TransferFault.Local, beyond), kernel);
    }

    [Theory]
    [InlineData(TransferMethod.ProcessVm)]
    [InlineData(TransferMethod.ProcMem)]
    public void AddressesThatNoProcessHasAreFaults(TransferMethod method)
    {
        using HeldMemory held = HeldMemory.Pages("w");
        using ProcessMemory memory = ProcessMemory.Open(held.Pid, method);
        foreach (nuint address in new nuint[] { 0, 1, nuint.MaxValue, nuint.MaxValue - 7, nuint.MaxValue / 2, (nuint.MaxValue / 2) + 1 })
            Assert.Equal(new TransferResult(0, TransferFault.Remote, address), memory.ReadPartial(address, new byte[8]));
    }
}
