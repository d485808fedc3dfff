using System.Runtime.InteropServices;
using OneCopy.Messaging;
using OneCopy.Tests.Interop;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>The one instruction in machine code: that it is the one that is meant, and that it does nothing to who calls it with any address.</summary>
public sealed unsafe class PrefetchCodeTests
{
    [Theory]
    [InlineData("x64", "x86_64", ".intel_syntax noprefix\nprefetchw [rdi]\nret\n")]
    [InlineData("arm64", "aarch64", "prfm pstl1keep, [x0]\nret\n")]
    public void The_bytes_are_those_of_the_instruction(string architecture, string machine, string source)
    {
        bool native = string.Equals(architecture, RuntimeInformation.ProcessArchitecture.ToString(), StringComparison.OrdinalIgnoreCase);
        byte[] assembled = CProgram.Assemble(source, machine, native);
        Assert.Equal(Convert.ToHexString(assembled), Convert.ToHexString(PrefetchCode.For(Enum.Parse<Architecture>(architecture, ignoreCase: true))));
    }

    [Fact]
    public void It_is_there_on_the_processors_that_it_is_written_for()
    {
        Assert.SkipUnless(RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.Arm64, "There is none for this processor.");
        Assert.True(PrefetchCode.Install() != null);
    }

    [Fact]
    public void No_address_is_a_fault_and_no_byte_is_changed()
    {
        byte[] bytes = [1, 2, 3];
        fixed (byte* p = bytes)
            Processor.PrefetchForWrite(p);
        Assert.Equal([1, 2, 3], bytes);
        foreach (nint address in (nint[])[0, 1, -1, nint.MinValue, nint.MaxValue])
            Processor.PrefetchForWrite((void*)address);
    }
}
