using System.Text;
using Xunit;

namespace OneCopy.Tests.Memory;

public class ReadAndWriteTests
{
    private static nuint Page => HeldMemory.Page;

    [Fact]
    public void NineteenBytesGoIntoBuffersOfTenAndTen()
    {
        using HeldMemory held = HeldMemory.Pages("w");
        using ProcessMemory memory = ProcessMemory.Open(held.Pid);
        byte[] first = new byte[10];
        byte[] second = new byte[10];

        long count = memory.Read([new RemoteSegment(held.Address, 19)], [first, second]);

        Assert.Equal(19, count);
        Assert.Equal(HeldMemory.Pattern(0, 10), first);
        Assert.Equal(HeldMemory.Pattern(10, 9), second[..9]);
        Assert.Equal(0, second[9]);
    }

    [Fact]
    public void WhatIsWrittenIsThere()
    {
        using HeldMemory held = HeldMemory.Pages("ww");
        using ProcessMemory memory = ProcessMemory.Open(held.Pid);
        byte[] bytes = Encoding.ASCII.GetBytes("across the page boundary");
        memory.Write(held.Address + Page - 5, bytes);
        byte[] back = new byte[bytes.Length + 2];
        memory.Read(held.Address + Page - 6, back);
        Assert.Equal(bytes, back[1..^1]);
        Assert.Equal(HeldMemory.Pattern((long)Page - 6, 1)[0], back[0]);
        Assert.Equal(HeldMemory.Pattern((long)Page - 5 + bytes.Length, 1)[0], back[^1]);
    }

    [Fact]
    public void TypedValuesGoThereAndBack()
    {
        using HeldMemory held = HeldMemory.Pages("w");
        using ProcessMemory memory = ProcessMemory.Open(held.Pid);
        memory.Write(held.Address + 3, 0x1122334455667788L);
        Assert.Equal(0x1122334455667788L, memory.Read<long>(held.Address + 3));
        Assert.Equal((byte)0x88, memory.Read<byte>(held.Address + 3));
        Guid[] guids = [Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid()];
        memory.Write<Guid>(held.Address + 100, guids);
        Guid[] back = new Guid[3];
        memory.Read<Guid>(held.Address + 100, back);
        Assert.Equal(guids, back);
    }

    [Fact]
    public void TheOwnProcessIsAllowed()
    {
        byte[] source = GC.AllocateArray<byte>(100, pinned: true);
        source.AsSpan().Fill(9);
        using ProcessMemory memory = ProcessMemory.Open(Environment.ProcessId);
        byte[] copy = new byte[100];
        memory.Read((nuint)System.Runtime.InteropServices.Marshal.UnsafeAddrOfPinnedArrayElement(source, 0), copy);
        Assert.Equal(source, copy);
        Assert.False(memory.HasExited);
    }

    [Theory]
    [InlineData("utf-8")]
    [InlineData("utf-16")]
    [InlineData("utf-32")]
    public void AStringMayEndRightBeforeAHole(string name)
    {
        Encoding encoding = Encoding.GetEncoding(name);
        string text = "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich 🦆";
        using HeldMemory held = HeldMemory.Pages("ww-");
        using ProcessMemory memory = ProcessMemory.Open(held.Pid);
        byte[] bytes = encoding.GetBytes(text + "\0");
        nuint end = held.Address + (2 * Page);
        memory.Write(end - (nuint)bytes.Length, bytes);
        Assert.Equal(text, memory.ReadString(end - (nuint)bytes.Length, 1_000_000, encoding));

        // Over the boundary of the two pages, and cut by the bound.
        nuint across = held.Address + Page - 8;
        memory.Write(across, bytes);
        Assert.Equal(text, memory.ReadString(across, 1_000, encoding));
        Assert.Equal("Zw", memory.ReadString(across, encoding.GetByteCount("Zw"), encoding));
        Assert.Equal("", memory.ReadString(across, 0, encoding));
    }

    [Fact]
    public void AStringWithoutAnEndIsAFault()
    {
        using HeldMemory held = HeldMemory.Pages("w-");
        using ProcessMemory memory = ProcessMemory.Open(held.Pid);
        memory.Write(held.Address + Page - 3, "abc"u8);
        ProcessMemoryException e = Assert.Throws<ProcessMemoryException>(() => memory.ReadString(held.Address + Page - 3, 100));
        Assert.Equal(held.Address + Page, e.Address);
        Assert.Equal("abc", memory.ReadString(held.Address + Page - 3, 3));
    }

    [Fact]
    public async Task ManyThreadsMayUseOneObject()
    {
        using HeldMemory held = HeldMemory.Pages("wwww");
        using ProcessMemory memory = ProcessMemory.Open(held.Pid);
        byte[] expected = HeldMemory.Pattern(0, 4 * (long)Page);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(thread => Task.Run(() =>
        {
            byte[] buffer = new byte[1_000];
            for (int i = 0; i < 2_000; i++)
            {
                int offset = ((i * 37) + (thread * 1_003)) % (expected.Length - buffer.Length);
                memory.Read(held.Address + (nuint)offset, buffer);
                if (!buffer.AsSpan().SequenceEqual(expected.AsSpan(offset, buffer.Length)))
                    throw new InvalidOperationException($"Thread {thread} read other bytes at offset {offset}.");
            }
        })));
    }

    [Fact]
    public void AClosedOneSaysSo()
    {
        ProcessMemory memory = ProcessMemory.Open(Environment.ProcessId);
        memory.Dispose();
        memory.Dispose();
        Assert.Throws<ObjectDisposedException>(() => memory.Read<int>(4096));
        Assert.Throws<ObjectDisposedException>(() => memory.HasExited);
    }

    [Fact]
    public void WrongArgumentsAreRefusedBeforeAnyCall()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => ProcessMemory.Open(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => ProcessMemory.Open(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => ProcessMemory.CheckAccess(0));
        using ProcessMemory memory = ProcessMemory.Open(Environment.ProcessId);
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.ReadString(0, -1));
        Assert.Throws<ArgumentNullException>(() => memory.Read([], (IReadOnlyList<Memory<byte>>)null!));
    }
}
