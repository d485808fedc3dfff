using OneCopy.Interop;
using Xunit;

namespace OneCopy.Tests.Interop;

/// <summary>The machine code of the guard: that it is what its source says, and what it does in a process without .NET.</summary>
public sealed class BusErrorHandlerTests
{
    [Theory]
    [InlineData("x64", "x86_64")]
    [InlineData("arm64", "aarch64")]
    public void The_bytes_are_those_of_the_source(string architecture, string machine)
    {
        string source = File.ReadAllText(Path.Combine(Repository.RepositoryFiles.Root, "src/OneCopy/Interop", $"BusErrorHandler.{architecture}.s"));
        byte[] assembled = CProgram.Assemble(source, machine, HasNative(architecture));
        Assert.Equal(Convert.ToHexString(assembled), Convert.ToHexString(CodeFor(architecture)));
    }

    [Theory]
    [InlineData("x64", "x86_64")]
    [InlineData("arm64", "aarch64")]
    public void It_puts_zeros_in_place_of_lost_pages_and_leaves_everything_else_to_the_handler_before(string architecture, string machine)
    {
        bool native = HasNative(architecture);
        string without = $"The handler is not run on {machine}.";
        string compiler = native ? CProgram.Find(without, "cc", "gcc", "clang") : CProgram.Find(without, $"{machine}-linux-gnu-gcc");
        string? emulator = native ? null : CProgram.Find(without, $"qemu-{machine}", $"qemu-{machine}-static");
        string bytes = string.Join(',', CodeFor(architecture).Select(b => b.ToString()));
        string[] flags = native ? ["-std=gnu11", "-w"] : ["-std=gnu11", "-w", "-static"];
        string source = $"#define CODE {{{bytes}}}\n" +
            File.ReadAllText(Path.Combine(Repository.RepositoryFiles.Root, "tests/OneCopy.Tests/Interop/bus-error-handler.c"));
        IReadOnlyList<string> lines = CProgram.Run(source, compiler, emulator, flags);
        Assert.Equal(13, lines.Count);
        Assert.All(lines, line => Assert.StartsWith("ok ", line, StringComparison.Ordinal));
    }

    private static bool HasNative(string architecture) => CodeFor(architecture).AsSpan().SequenceEqual(BusErrorCode.Current);

    private static byte[] CodeFor(string architecture) => architecture is "x64" ? [.. BusErrorCode.X64] : [.. BusErrorCode.Arm64];
}
